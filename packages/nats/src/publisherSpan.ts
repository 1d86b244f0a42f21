/**
 * The trace in which a message was published, from its publisher to its reader: W3C `traceparent`.
 */
import type { Option, Tracer } from "effect"
import { Headers, HttpTraceContext } from "effect/http"
import type { StreamMessage } from "./StreamMessage.ts"

const TRACE_ID_LENGTH = 32

/** The header's value; undefined for the span of a process that does not trace, which has no ids. */
export const traceparentOf = ({ traceId, spanId, sampled }: Tracer.AnySpan): string | undefined =>
  traceId.length === TRACE_ID_LENGTH ? `00-${traceId}-${spanId}-${sampled ? "01" : "00"}` : undefined

/**
 * The span of the message's publisher: the parent of a span that handles this one message, or a link of one that
 * handles many. None without a valid header.
 *
 * @stability stable
 */
export const publisherSpan = (message: Pick<StreamMessage, "headers">): Option.Option<Tracer.ExternalSpan> =>
  HttpTraceContext.w3c(Headers.fromInput({ traceparent: message.headers.traceparent }))
