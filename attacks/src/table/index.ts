/** Every attack; to add one, add an entry to one of these tables. */
import type { Attack } from "../Attack.ts"
import { accounts } from "./accounts.ts"
import { floods } from "./floods.ts"
import { headers } from "./headers.ts"
import { identities } from "./identities.ts"
import { jetstream } from "./jetstream.ts"
import { roles } from "./roles.ts"
import { subjects } from "./subjects.ts"
import { system } from "./system.ts"

export const attacks: ReadonlyArray<Attack> = [
  ...subjects,
  ...jetstream,
  ...system,
  ...headers,
  ...identities,
  ...accounts,
  ...roles,
  ...floods
]
