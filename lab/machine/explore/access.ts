/** Where inside an op a lab thread may be stopped, and how the account calls it. */
export const Access = {
  NONE: 0,
  READ: 1,
  WRITE: 2,
  FILL: 3,
  COPY: 4,
  LOCK: 5,
  TRY_LOCK: 6,
  UNLOCK: 7,
  ATOMIC: 8,
  SYSTEM_CALL: 9,
  NEXT_OP: 10,
  WAITS: 11,
  WAITS_FOR_LOCK: 12,
  GIVES_WAY: 13,
  ENDED: 14,
} as const
export type Access = (typeof Access)[keyof typeof Access]

export const ACCESS_NAMES: readonly string[] = [
  'stops',
  'stops before it reads',
  'stops before it writes',
  'stops before it clears',
  'stops before it copies',
  'stops before it locks',
  'stops before it tries to lock',
  'stops around its unlock of',
  'stops before its atomic step on',
  'stops before a system call',
  'stops between two ops',
  'waits',
  'waits for',
  'lets others go first',
  'has ended',
]
