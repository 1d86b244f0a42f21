/**
 * `bulkhead streams plan`: what differs between the installation's plan and the server.
 */
import { StreamLayout, StreamPlan } from "@bulkhead/nats"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../CommandFailed.ts"
import { askCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { print } from "../../output/print.ts"
import { failWhereBlocked, ofTenant, render, tenant } from "./comparison.ts"

const given = <Name extends string, A>(name: Name, value: Option.Option<A>): { readonly [K in Name]?: A } =>
  (Option.isSome(value) ? { [name]: value.value } : {}) as { readonly [K in Name]?: A }

export const plan = Command.make(
  "plan",
  {
    tenant,
    layout: Flag.Literals("layout", StreamLayout.literals).pipe(
      Flag.optional,
      Flag.withDescription("What another layout would change; the installation's own without")
    ),
    mode: Flag.Literals("mode", StreamPlan.fields.mode.literals).pipe(
      Flag.optional,
      Flag.withDescription("What another prefix mode would change; the installation's own without")
    )
  },
  Effect.fnUntraced(function* ({ tenant: slug, layout, mode }) {
    const ask = yield* askCore
    const query = { ...ofTenant(slug), ...given("layout", layout), ...given("mode", mode) }
    const comparison = yield* ask((core) => core.streams.compare({ query }))
    yield* print(comparison, render)
    yield* failWhereBlocked(comparison)
    const { length } = comparison.changes
    if (length === 0) return
    const next =
      "layout" in query || "mode" in query
        ? "First set CORE_LAYOUT or NATS_TENANT_PREFIX_MODE so"
        : "Next: bulkhead streams apply"
    return yield* failed(EXIT.waits, `${length} change${length === 1 ? " waits" : "s wait"}`, next)
  })
).pipe(
  Command.withDescription(
    "Show what differs between plan and server; 0 where nothing does, 5 where changes wait, 1 where something is in the way"
  ),
  Command.withExamples([
    { command: "bulkhead streams plan", description: "Every stream and consumer" },
    { command: "bulkhead streams plan acme --json", description: "One tenant's, for a program" },
    { command: "bulkhead streams plan --layout shared", description: "What the other layout would be" }
  ])
)
