/**
 * Why the buffer did not take a message. `isRetryable` says whether the same append may succeed later.
 */
export class BufferError extends Error {
  override readonly name = "BufferError"
  readonly reason: "full" | "disk"
  readonly isRetryable = true

  constructor(reason: BufferError["reason"], message: string) {
    super(message)
    this.reason = reason
  }
}
