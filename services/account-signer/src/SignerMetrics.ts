/** The figures of the signer for Prometheus. */
import { Metrics } from "@bulkhead/observability"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"

export class SignerMetrics extends Context.Service<
  SignerMetrics,
  {
    readonly answered: (operation: string, outcome: string) => void
    readonly pending: (accounts: number) => void
    readonly servers: (count: number) => void
  }
>()("@bulkhead/account-signer/SignerMetrics") {
  static readonly layer = Layer.effect(
    SignerMetrics,
    Effect.gen(function* () {
      const registers = [(yield* Metrics).registry]
      const answers = new Counter({
        name: "bulkhead_signer_requests_total",
        help: "Requests answered, by operation and outcome",
        labelNames: ["operation", "outcome"],
        registers
      })
      const pending = new Gauge({
        name: "bulkhead_signer_accounts_pending",
        help: "Accounts whose newest claims not every server has taken",
        registers
      })
      const servers = new Gauge({
        name: "bulkhead_signer_servers",
        help: "Servers that the signer knows of, and that have to take claims",
        registers
      })
      return SignerMetrics.of({
        answered: (operation, outcome) => answers.inc({ operation, outcome }),
        pending: (accounts) => pending.set(accounts),
        servers: (count) => servers.set(count)
      })
    })
  )
}
