/**
 * Which changes the user may not make, found out without making them: the server tells each user its own permissions.
 */
import { mayPublish } from "../publishRights.ts"
import type { PublishRights } from "./ObservedServer.ts"
import type { StreamChange, StreamProblem } from "./StreamChange.ts"

const API = "$JS.API"

/** The subjects on which the requests for a change go. */
const subjectsOf = (change: StreamChange): ReadonlyArray<string> => {
  const { stream } = change
  const ofConsumer = (request: string) =>
    "consumer" in change ? `${API}.CONSUMER.${request}.${stream}.${change.consumer}` : ""
  switch (change.kind) {
    case "create-stream":
      return [`${API}.STREAM.CREATE.${stream}`]
    case "update-stream":
      return [`${API}.STREAM.UPDATE.${stream}`]
    case "replace-stream":
      return [`${API}.STREAM.DELETE.${stream}`, `${API}.STREAM.CREATE.${stream}`]
    case "delete-stream":
      return [`${API}.STREAM.DELETE.${stream}`]
    case "create-consumer":
    case "update-consumer":
      return [ofConsumer("DURABLE.CREATE")]
    case "replace-consumer":
      return [ofConsumer("DELETE"), ofConsumer("DURABLE.CREATE")]
    case "delete-consumer":
      return [ofConsumer("DELETE")]
  }
}

/** One problem for each kind of request: a thousand streams lack the same right. */
export const rightsProblems = (
  changes: ReadonlyArray<StreamChange>,
  rights: PublishRights | undefined
): ReadonlyArray<StreamProblem> => {
  if (rights === undefined) return []
  const refused = changes.flatMap(subjectsOf).filter((subject) => !mayPublish(rights, subject))
  const byRequest = Map.groupBy(refused, (subject) => /^\$JS\.API\.[A-Z.]+(?=\.)/.exec(subject)?.[0] ?? subject)
  return [...byRequest].map(([request, subjects]) => ({
    kind: "permission",
    blocks: true,
    problem: `the user may not publish on "${subjects[0]}"${subjects.length === 1 ? "" : `, nor on ${subjects.length - 1} others of its kind`}`,
    nextStep: `give it ${request}.>, or use one that has it`
  }))
}
