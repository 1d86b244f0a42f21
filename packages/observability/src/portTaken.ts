import { Layer, Schema } from "effect"
import type { ServeError } from "effect/http/HttpServerError"

/** Somebody else listens where we want to. */
export class PortTaken extends Schema.TaggedError<PortTaken>("@bulkhead/observability/PortTaken")("PortTaken", {
  host: Schema.String,
  port: Schema.Int,
  variable: Schema.String,
  cause: Schema.Defect()
}) {
  readonly isRetryable = false
  override get message(): string {
    return `Cannot listen on ${this.host}:${this.port}: it is taken or not ours. Set ${this.variable} to a free port, or stop what listens there`
  }
}

/** Says of a server that cannot listen which address it was and which variable moves it. */
export const portTaken =
  (place: { readonly host: string; readonly port: number; readonly variable: string }) =>
  <A, E, R>(server: Layer.Layer<A, E | ServeError, R>): Layer.Layer<A, E | PortTaken, R> =>
    Layer.catchTag(server as Layer.Layer<A, ServeError, R>, "ServeError", (cause) =>
      Layer.effectContext(new PortTaken({ ...place, cause }))
    ) as Layer.Layer<A, E | PortTaken, R>
