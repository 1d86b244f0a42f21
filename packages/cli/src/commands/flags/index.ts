/**
 * `bulkhead flags`: switches of the platform, for everyone, for a share of the tenants, for one.
 */
import * as Command from "effect/cli/Command"
import { get } from "./get.ts"
import { list } from "./list.ts"
import { remove } from "./remove.ts"
import { rollout } from "./rollout.ts"
import { set } from "./set.ts"

export const flags = Command.make("flags").pipe(Command.withSubcommands([list, get, set, rollout, remove]))
