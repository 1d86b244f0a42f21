/** The system account and the platform's own services. */
import { makeInstallation, makeTenantKeys, NKey, PLANS, signTenantAccount } from "@bulkhead/accounts"
import { encodeGeneric } from "@nats-io/jwt"
import { type Attack, type Attempt, attack } from "../Attack.ts"
import { VICTIM } from "../World.ts"

/**
 * A server tells any account about itself and about the account's own connections, and on its own leaf node the
 * attacker is at home in `$SYS`. What counts is what it learns of others.
 */
const unlessOfOthers =
  ({ world }: Attempt) =>
  (reply: string) =>
    ![VICTIM, world.victim.keys.publicKey, world.installation.keys.platform.publicKey].some((other) =>
      reply.includes(other)
    )

const SYSTEM: ReadonlyArray<readonly [what: string, request: string]> = [
  ["ask servers who they are", "SERVER.PING"],
  ["ask servers who is connected", "SERVER.PING.CONNZ"],
  ["ask servers for their accounts", "SERVER.PING.ACCOUNTZ"],
  ["ask servers for their streams", "SERVER.PING.JSZ"],
  ["list all accounts' claims", "CLAIMS.LIST"],
  ["fetch all accounts' claims", "CLAIMS.PACK"]
]

export const system: ReadonlyArray<Attack> = [
  ...SYSTEM.map(([what, request]) =>
    attack(what, (attempt) => attempt.ask(`$SYS.REQ.${request}`, "", {}, unlessOfOthers(attempt)))
  ),
  attack("look up the victim's claims", (attempt) =>
    attempt.ask(
      `$SYS.REQ.ACCOUNT.${attempt.world.victim.keys.publicKey}.CLAIMS.LOOKUP`,
      "",
      {},
      unlessOfOthers(attempt)
    )
  ),
  attack("ask who is connected to the victim's account", (attempt) =>
    attempt.ask(`$SYS.REQ.ACCOUNT.${attempt.world.victim.keys.publicKey}.CONNZ`, "", {}, unlessOfOthers(attempt))
  ),
  attack("push claims of its own making for the victim's account", async (attempt) => {
    const keys = { ...makeTenantKeys(), publicKey: attempt.world.victim.keys.publicKey }
    const stranger = await makeInstallation("stranger", NKey.make("operator"))
    const claims = await signTenantAccount(
      { tenant: attempt.world.victim.account.tenant, limits: PLANS.free },
      keys,
      stranger
    )
    await attempt.ask("$SYS.REQ.CLAIMS.UPDATE", claims, {}, unlessOfOthers(attempt))
  }),
  attack("delete the victim's claims", async (attempt) => {
    const accounts = [attempt.world.victim.keys.publicKey]
    const claims = await encodeGeneric("delete", NKey.make("operator").signer, "generic", { accounts })
    await attempt.ask("$SYS.REQ.CLAIMS.DELETE", claims, {}, unlessOfOthers(attempt))
  }),
  attack("have the victim's clients cut", async (attempt) => {
    for (let cid = 1; cid <= 20; cid++) attempt.send("$SYS.REQ.SERVER.PING.KICK", JSON.stringify({ cid }))
    await attempt.client.flush()
  }),
  attack("have the signer list the victim's users", ({ ask }) =>
    ask("bulkhead.signer.v1.list-users", JSON.stringify({ actor: "core", tenant: VICTIM }))
  ),
  attack("have the signer remove the victim's account", async ({ send }) =>
    send("bulkhead.signer.v1.remove-account", JSON.stringify({ actor: "core", tenant: VICTIM }))
  ),
  attack("say that a tenant was deleted", async ({ send }) =>
    send("serviceradar.tenants.lifecycle.deleted", JSON.stringify({ tenant_slug: VICTIM }))
  ),
  attack("answer core in the signer's place", async ({ send }) => send("_INBOX_core.x", '{"ok":{}}')),
  attack("find the platform's services", ({ ask }) => ask("$SRV.PING", ""))
]
