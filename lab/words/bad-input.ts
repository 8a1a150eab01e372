/**
 * What a user asked for and cannot have: an unknown name, a value out of range, limits that cannot
 * work. The message is one line that says what would do; the command line ends with exit code 2.
 */
export class BadInput extends Error {
  override readonly name = 'BadInput'
}
