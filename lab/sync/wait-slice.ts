/**
 * Longest uninterrupted wait, in ms. No wake-up needs it: it bounds how long a waiter takes to
 * notice that the run has ended, or that whoever should have woken it has died. A module of its
 * own, so that tests can compile the locks without it: a lost wake-up is then a hang, not a hiccup.
 */
export const WAIT_SLICE_MS = 50
