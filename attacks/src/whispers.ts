/**
 * What is said on the platform's side while an attack is judged: on every kind of subject at which attackers listen, with
 * the secret of the moment in it. An ear in the wrong place hears it, and without it an attack that only listens could
 * never be seen to get through.
 */
import { streamName, type TenantSlug } from "@bulkhead/channels"
import { Effect } from "effect"
import { VICTIM, type World } from "./World.ts"

const STREAM = streamName(VICTIM as TenantSlug)

/** Subjects in the platform's account. */
const onPlatform = (secret: string): ReadonlyArray<string> => [
  `${VICTIM}.logs.${secret}.processed`,
  `bulkhead.signer.v1.${secret}`,
  `serviceradar.tenants.lifecycle.${secret}`,
  `_INBOX_core.${secret}`,
  `$JS.ACK.${STREAM}.event-writer.${secret}`,
  `$JS.EVENT.ADVISORY.${secret}`,
  `$KV.bulkhead-flags.${secret}`
]

/** Under which subject the victim alone is given the first of them. */
export const readBackOf = (secret: string): string => `platform.logs.${secret}.processed`

export const sayWhatNobodyMayHear = ({ installation }: World, secret: string) =>
  Effect.promise(async () => {
    for (const subject of onPlatform(secret)) installation.platform.publish(subject, secret)
    installation.system.publish(`$SYS.ACCOUNT.${secret}`, secret)
    // Before the ears are asked what they heard, the server must have it.
    await Promise.all([installation.platform.flush(), installation.system.flush()])
  })
