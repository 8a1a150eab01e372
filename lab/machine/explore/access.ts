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
  'somewhere',
  'before it reads',
  'before it writes',
  'before it clears',
  'before it copies',
  'before it locks',
  'before it tries to lock',
  'at its unlock of',
  'before its atomic step on',
  'before a system call',
  'between two ops',
  'because it waits',
  'because it waits for',
  'because it lets others go first',
  'because it has ended',
]
