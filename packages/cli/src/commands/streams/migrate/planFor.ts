/**
 * The plan that the options ask for, made of the installation as it is now.
 */
import { readFileSync } from "node:fs"
import { checkRoom, EMPTY_MAPPING, inspect, type Mapping, parseMapping, planMigration } from "@bulkhead/migration"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../../CommandFailed.ts"
import { askCore } from "../../../core/askCore.ts"
import { EXIT } from "../../../ExitCode.ts"
import { durationFlag } from "../../../options/units.ts"

export const planOptions = {
  mapping: Flag.String("mapping").pipe(
    Flag.optional,
    Flag.withMetavar("<file>"),
    Flag.withDescription(
      "Which subjects belong to which tenant, and what becomes of each consumer; all to default without"
    )
  ),
  publishers: Flag.Literals("publishers", ["flags", "operator"]).pipe(
    Flag.withDefault("flags" as const),
    Flag.withDescription("Who lets publishers put the tenant before the subject: the platform's flags, or you")
  ),
  duplicateWindow: durationFlag("duplicate-window").pipe(
    Flag.optional,
    Flag.withDescription("How long the new streams remember ids (that of the old ones, 2m or more)")
  ),
  quiet: durationFlag("quiet").pipe(
    Flag.optional,
    Flag.withDescription("How long nothing must have come before it counts as silence (10s)")
  ),
  drain: durationFlag("drain").pipe(
    Flag.optional,
    Flag.withDescription("How long a reader may take to acknowledge what it was given (60s)")
  )
} as const

export interface PlanInput {
  readonly mapping: Option.Option<string>
  readonly publishers: "flags" | "operator"
  readonly duplicateWindow: Option.Option<number>
  readonly quiet: Option.Option<number>
  readonly drain: Option.Option<number>
}

const readMapping = Effect.fnUntraced(function* (file: Option.Option<string>) {
  if (Option.isNone(file)) return EMPTY_MAPPING
  const text = yield* Effect.try({
    try: () => readFileSync(file.value, "utf8"),
    catch: () =>
      failed(EXIT.usage, `The mapping file "${file.value}" cannot be read`, "Name a file that this user may read")
  })
  return yield* parseMapping(text)
})

/** Core knows which tenants there are; it is asked when the mapping names any. */
const knownTenants = Effect.fnUntraced(function* ({ tenants = {} }: Mapping) {
  if (Object.keys(tenants).every((slug) => slug === "default")) return {}
  const ask = yield* askCore
  const known = yield* ask((core) => core.tenants.list())
  return { tenants: known.map(({ slug }) => slug) }
})

const given = <Name extends string>(name: Name, value: Option.Option<number>) =>
  (Option.isSome(value) ? { [name]: value.value } : {}) as { readonly [key in Name]?: number }

export const planFor = Effect.fnUntraced(function* (input: PlanInput, measureMs: number) {
  const mapping = yield* readMapping(input.mapping)
  const planned = planMigration(yield* inspect({ measureMs }), {
    id: new Date().toISOString().replaceAll(/[:.]/g, "-"),
    mapping,
    publishers: input.publishers,
    ...(yield* knownTenants(mapping)),
    ...given("duplicateWindowMs", input.duplicateWindow),
    ...given("quietMs", input.quiet),
    ...given("drainMs", input.drain)
  })
  // What is in the way already may be what the server would be asked about.
  const room = planned.problems.length > 0 ? [] : yield* checkRoom(planned.plan)
  return { ...planned, problems: [...planned.problems, ...room] }
})
