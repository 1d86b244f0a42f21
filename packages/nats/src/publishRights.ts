/**
 * On which subjects a user may publish: the server tells each its own rights, so that a missing one is known before it is
 * needed.
 */
import { subjectMatches } from "@bulkhead/channels"
import type { NatsConnection } from "@nats-io/nats-core"
import type { PublishRights } from "./streams/ObservedServer.ts"

type Rule = ReadonlyArray<string> | { readonly allow?: ReadonlyArray<string>; readonly deny?: ReadonlyArray<string> }

/** The right to ask for one's rights. */
export const RIGHTS_SUBJECT = "$SYS.REQ.USER.INFO"

const ANSWER_WAIT_MS = 2_000

const isList = (rule: Rule): rule is ReadonlyArray<string> => Array.isArray(rule)

/** Those of the connection's user; undefined where it may not even ask. */
export const publishRightsOf = async (connection: NatsConnection): Promise<PublishRights | undefined> => {
  const answer = await connection.request(RIGHTS_SUBJECT, "", { timeout: ANSWER_WAIT_MS }).catch(() => undefined)
  if (answer === undefined) return undefined
  const { data } = answer.json<{ data?: { permissions?: { publish?: Rule } } }>()
  const rule = data?.permissions?.publish
  if (rule === undefined) return { allow: undefined, deny: [] }
  return isList(rule) ? { allow: rule, deny: [] } : { allow: rule.allow, deny: rule.deny ?? [] }
}

export const mayPublish = ({ allow, deny }: PublishRights, subject: string): boolean =>
  (allow === undefined || allow.some((pattern) => subjectMatches(pattern, subject))) &&
  !deny.some((pattern) => subjectMatches(pattern, subject))
