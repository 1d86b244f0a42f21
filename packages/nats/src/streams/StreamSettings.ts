/**
 * What a stream may hold, how it is kept and where: the part of a stream's configuration that an operator chooses, for
 * all tenants, for those of a plan, or for one.
 *
 * Retention is not among it. Lanes go on at a watermark of their own, so a stream has to keep what was read already:
 * with retention `interest` or `workqueue` a message would be gone before its rows are safe.
 */
import { Schema } from "effect"

/**
 * Within this time a second message of the same `Nats-Msg-Id` is dropped. Longer than `EventPublisher` repeats a message,
 * so no setting may be shorter.
 */
export const DUPLICATE_WINDOW_MS = 120_000

const REPLICAS_MAX = 5

const positive = Schema.Int.check(Schema.isGreaterThan(0))

/** Which servers of a cluster hold the stream. */
export const StreamPlacement = Schema.Struct({
  cluster: Schema.optionalKey(Schema.NonEmptyString),
  /** Tags that a server must have, all of them. */
  tags: Schema.optionalKey(Schema.Array(Schema.NonEmptyString))
}).annotate({ identifier: "StreamPlacement" })
export type StreamPlacement = typeof StreamPlacement.Type

export const StreamSettings = Schema.Struct({
  /** Bytes; as much as the account has when absent. */
  maxBytes: Schema.optionalKey(positive),
  /** Messages older than this are removed, milliseconds; 0 keeps them. */
  maxAgeMs: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  /** Servers that hold a copy. When absent, a new stream has one and a present one keeps what it has. */
  replicas: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: REPLICAS_MAX }))),
  /** `file` when absent. What is in memory is gone when its servers are. */
  storage: Schema.optionalKey(Schema.Literals(["file", "memory"])),
  /**
   * What a full stream does: `new`, the default, refuses, so that the publisher sees it and repeats; `old` drops its
   * oldest messages, written or not, and tells nobody.
   */
  discard: Schema.optionalKey(Schema.Literals(["new", "old"])),
  /** Milliseconds; `DUPLICATE_WINDOW_MS` when absent. Never longer than `maxAgeMs`: the server refuses that. */
  duplicateWindowMs: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(DUPLICATE_WINDOW_MS))),
  /** Anywhere when absent; a present stream stays where it is. */
  placement: Schema.optionalKey(StreamPlacement)
}).annotate({ identifier: "StreamSettings" })
export type StreamSettings = typeof StreamSettings.Type
