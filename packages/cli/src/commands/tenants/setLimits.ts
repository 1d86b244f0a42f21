/**
 * `bulkhead tenants limits set`: limits of this tenant alone, in place of its plan's.
 */
import { TenantLimits } from "@bulkhead/accounts"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { type CommandFailed, failed } from "../../CommandFailed.ts"
import { changeCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { parseSize } from "../../options/units.ts"
import { print } from "../../output/print.ts"
import { renderLimits } from "./renderLimits.ts"

const names = Object.keys(TenantLimits.fields).join(", ")

/** `plan` takes the tenant's own limit away; core says what else is wrong with a value. */
const limitValue = (text: string): number | "unlimited" | null | undefined => {
  if (text === "plan") return null
  return text === "unlimited" ? text : parseSize(text)
}

type Limits = Readonly<Record<string, number | string | null>>

const limitsIn = (settings: ReadonlyArray<string>): Effect.Effect<Limits, CommandFailed> => {
  const limits: Record<string, number | string | null> = {}
  for (const setting of settings) {
    const at = setting.indexOf("=")
    const name = setting.slice(0, at)
    if (at < 1 || !Object.hasOwn(TenantLimits.fields, name)) {
      return Effect.fail(failed(EXIT.usage, `"${setting}" is no <limit>=<value>`, `The limits are ${names}`))
    }
    const value = limitValue(setting.slice(at + 1))
    if (value === undefined) {
      const allowed = "Give a whole number, bytes such as 512MiB, unlimited, or plan for the plan's again"
      return Effect.fail(failed(EXIT.usage, `${name} cannot be "${setting.slice(at + 1)}"`, allowed))
    }
    limits[name] = value
  }
  return Effect.succeed(limits)
}

export const setLimits = Command.make(
  "set",
  {
    tenant,
    settings: Argument.String("limit=value").pipe(
      Argument.withDescription(`A number, a size (512MiB), unlimited, or plan. Limits: ${names}`),
      Argument.atLeast(1)
    ),
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant: slug, settings, dryRun }) {
    const limits = yield* limitsIn(settings)
    const ask = yield* changeCore(dryRun)
    const { limits: own, plan } = yield* ask((core) => core.tenants.change({ params: { slug }, payload: { limits } }))
    const inForce = yield* ask((core) => core.tenants.limits({ params: { slug } }))
    yield* print({ plan, limits: inForce, own }, ({ limits, own }) => renderLimits(limits, own))
  })
).pipe(
  Command.withDescription("Set limits of this tenant alone, in place of its plan's"),
  Command.withExamples([
    { command: "bulkhead tenants limits set acme streamBytes=512MiB connections=50", description: "Two limits" },
    { command: "bulkhead tenants limits set acme streamBytes=plan", description: "The plan's again" }
  ])
)
