/**
 * What `bulkhead` ends with, so that a script can tell what to do: a part of its interface.
 */

export const EXIT = {
  /** Done. */
  ok: 0,
  /** A check found a fault, or what was asked was refused: the text says which. */
  fault: 1,
  /** The command, its values or the contexts file cannot be used as they are. Nothing was asked. */
  usage: 2,
  /** A server cannot be reached, or says that one behind it cannot. The same command may be given again. */
  unreachable: 3,
  /** No token, or one that is not accepted. */
  unauthorized: 4,
  /** It waits for something that a person must do, which the text says. The same command then goes on. */
  waits: 5,
  /** A defect of `bulkhead` itself. */
  defect: 70
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
