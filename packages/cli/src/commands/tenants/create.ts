/**
 * `bulkhead tenants create`: a new tenant with its schema, role, stream, account and writer.
 */
import { ChannelError, parseSlug, type TenantSlug } from "@bulkhead/channels"
import { TenantPlan } from "@bulkhead/tenancy"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { failed } from "../../CommandFailed.ts"
import { changeCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { dryRun } from "../../options/dryRun.ts"
import { printTenant } from "./printTenant.ts"

const NAME_LENGTH_MAX = 200

const slugOf = (text: string): Effect.Effect<TenantSlug, ReturnType<typeof failed>> => {
  const slug = parseSlug(text)
  return slug instanceof ChannelError ? Effect.fail(failed(EXIT.usage, slug.message)) : Effect.succeed(slug)
}

const checkName = (name: string) =>
  name.length >= 1 && name.length <= NAME_LENGTH_MAX
    ? Effect.void
    : failed(EXIT.usage, `--name has ${name.length} characters; 1 to ${NAME_LENGTH_MAX} are allowed`)

export const create = Command.make(
  "create",
  {
    tenant: Argument.String("tenant").pipe(Argument.withDescription("Its slug, for ever: a-z, 0-9 and -, at most 48")),
    name: Flag.String("name").pipe(Flag.withMetavar("<text>"), Flag.withDescription("Its name, for people")),
    plan: Flag.Literals("plan", TenantPlan.literals).pipe(Flag.withDefault("free"), Flag.withDescription("Its plan")),
    dryRun
  },
  Effect.fnUntraced(function* ({ tenant, name, plan, dryRun }) {
    const slug = yield* slugOf(tenant)
    yield* checkName(name)
    const ask = yield* changeCore(dryRun)
    const created = yield* ask((core) => core.tenants.create({ payload: { slug, name, plan } }))
    yield* printTenant(created, `is ${created.status}, plan ${plan}`)
  })
).pipe(
  Command.withDescription("Create a tenant with its schema, role, stream, account and writer"),
  Command.withExamples([
    { command: 'bulkhead tenants create acme --name "Acme Corp" --plan pro', description: "A tenant of plan pro" },
    { command: "bulkhead tenants create acme --name Acme --dry-run", description: "What would be sent" }
  ])
)
