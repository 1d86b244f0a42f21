/**
 * `bulkhead tenants`: the tenants of an installation.
 */
import * as Command from "effect/cli/Command"
import { create } from "./create.ts"
import { deleteTenant } from "./deleteTenant.ts"
import { limits } from "./limits.ts"
import { list } from "./list.ts"
import { plan } from "./plan.ts"
import { resume } from "./resume.ts"
import { show } from "./show.ts"
import { suspend } from "./suspend.ts"

export const tenants = Command.make("tenants").pipe(
  Command.withSubcommands([list, show, create, plan, limits, suspend, resume, deleteTenant])
)
