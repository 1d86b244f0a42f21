/**
 * Options that commands about flags share, and a flag as people see it.
 */
import type { FlagState } from "@bulkhead/core/api"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { fields } from "../../output/fields.ts"

export const key = Argument.String("flag").pipe(Argument.withDescription("Its key, as `flags list` shows it"))

export const value = Argument.String("value").pipe(
  Argument.withDescription("Its value; `flags get` says which are allowed")
)

export const forTenant = Flag.String("tenant").pipe(
  Flag.optional,
  Flag.withMetavar("<slug>"),
  Flag.withDescription("For this tenant alone; without, for everyone")
)

export const tenantQuery = (tenant: Option.Option<string>) => (Option.isNone(tenant) ? {} : { tenant: tenant.value })

export const renderFlag = (flag: FlagState): string =>
  fields([
    ["flag", flag.key],
    ["in force", flag.inForce],
    ["everyone", flag.everyone],
    [
      "rollout",
      flag.rollout === undefined ? undefined : `${flag.rollout.value} for ${flag.rollout.percent} % of the tenants`
    ],
    ...Object.entries(flag.tenants).map(([tenant, value]) => [`tenant ${tenant}`, value] as const),
    ["environment", flag.base],
    ["default", flag.default],
    ["allowed", flag.allowed],
    ["what it does", flag.description],
    ["owner", flag.owner]
  ])
