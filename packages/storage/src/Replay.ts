/**
 * A replay: the messages of a tenant's lane from some sequence on, decoded again into fresh tables that then take the
 * place of the old ones.
 */

/**
 * `requested`, nothing is done yet; `copying`, the rows that stay as they are go into the fresh tables; `running`, the
 * messages are decoded again; `done`, the fresh tables are the tenant's. The last three are ends.
 */
export type ReplayStatus = "requested" | "copying" | "running" | "done" | "cancelled" | "failed"

export interface Replay {
  /** Its number in the tenant's schema. */
  readonly id: number
  readonly lane: string
  /** The first message that is decoded again. */
  readonly fromSequence: number
  readonly status: ReplayStatus
  readonly requestedAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  /** Rows of earlier times that stay as they are have been copied. */
  readonly copiedTo: Date | null
  readonly rowsCopied: number
  /** Why it failed. */
  readonly error: string | null
}

/** How far the decoding is; of a finished replay, how far it was. */
export interface ReplayProgress {
  /** The last message that was decoded again; null before the first fresh table. */
  readonly watermark: number | null
  /** The last message of the lane as it stands. */
  readonly laneWatermark: number | null
  readonly rows: number
  readonly deadLetters: number
}
