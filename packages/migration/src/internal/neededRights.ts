/**
 * The subjects on which a migration publishes, there and back and until cleanup: so that a missing right is known before
 * anything is changed. Where a name is not known beforehand `any` stands for it.
 */
import { consumerName, READERS } from "@bulkhead/nats"
import { JOURNAL_BUCKET } from "../Journal.ts"
import type { MigrationPlan } from "../MigrationPlan.ts"
import { serverFeatures } from "./serverFeatures.ts"

const FLAG_BUCKET = "bulkhead-flags"

const bucketRights = (bucket: string): ReadonlyArray<string> => [
  `$JS.API.STREAM.CREATE.KV_${bucket}`,
  `$JS.API.STREAM.INFO.KV_${bucket}`,
  `$JS.API.DIRECT.GET.KV_${bucket}.$KV.${bucket}.any`,
  `$KV.${bucket}.any`
]

/** To look, to read a part without leaving a trace, to change, and to clean up. */
const streamRights = (stream: string): ReadonlyArray<string> =>
  [
    `STREAM.INFO.${stream}`,
    `STREAM.UPDATE.${stream}`,
    `STREAM.MSG.GET.${stream}`,
    `STREAM.DELETE.${stream}`,
    `CONSUMER.CREATE.${stream}`,
    `CONSUMER.INFO.${stream}.any`,
    `CONSUMER.MSG.NEXT.${stream}.any`,
    `CONSUMER.DELETE.${stream}.any`
  ].map((request) => `$JS.API.${request}`)

const ofPattern = (pattern: string): string =>
  pattern
    .split(".")
    .map((token) => (token === "*" || token === ">" ? "any" : token))
    .join(".")

const placedRights = (
  { serverVersion }: MigrationPlan,
  stream: string,
  name: string,
  filters: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const { pause, reset } = serverFeatures(serverVersion)
  const [filter, ...more] = filters
  const created = filter === undefined || more.length > 0 ? name : `${name}.${ofPattern(filter)}`
  const requests = ["INFO", ...(pause ? ["PAUSE"] : []), ...(reset ? ["RESET"] : ["DELETE"])]
  return [
    `$JS.API.CONSUMER.CREATE.${stream}.${created}`,
    ...requests.map((request) => `$JS.API.CONSUMER.${request}.${stream}.${name}`)
  ]
}

export const neededRights = (plan: MigrationPlan): ReadonlyArray<string> => {
  const { sources, targets, consumers } = plan
  const { pause } = serverFeatures(plan.serverVersion)
  return [
    ...new Set([
      ...bucketRights(JOURNAL_BUCKET),
      ...(plan.publishers === "flags" ? bucketRights(FLAG_BUCKET) : []),
      ...sources.flatMap(({ stream, subjects }) => [
        ...streamRights(stream),
        `$JS.API.STREAM.PURGE.${stream}`,
        // What a rollback brings back, and lets the old stream remember.
        ...subjects.map(ofPattern),
        markerSubject(stream)
      ]),
      ...targets.flatMap((target) => [
        ...streamRights(target.stream),
        `$JS.API.STREAM.CREATE.${target.stream}`,
        `$JS.API.STREAM.MSG.DELETE.${target.stream}`,
        ...(pause
          ? [
              `$JS.API.CONSUMER.PAUSE.${target.stream}.${consumerName(READERS.eventWriter, target.stream, target.tenant)}`
            ]
          : [])
      ]),
      ...consumers
        .filter(({ fate }) => fate === "move")
        .flatMap(({ stream, name, filterSubjects, successors }) => [
          ...placedRights(plan, stream, name, filterSubjects),
          ...successors.flatMap((one) => placedRights(plan, one.stream, one.durable, one.filterSubjects))
        ])
    ])
  ]
}

/** Under it an old stream is told ids that it is to remember. */
export const markerSubject = (stream: string): string => `bulkhead.ids.${stream}`
