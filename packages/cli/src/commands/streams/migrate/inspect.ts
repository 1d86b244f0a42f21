/**
 * `bulkhead streams migrate inspect`: what there is, who reads it how far, and how fast it comes.
 */
import { inspect as look, type StreamFacts } from "@bulkhead/migration"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { durationFlag } from "../../../options/units.ts"
import { print } from "../../../output/print.ts"
import { table } from "../../../output/table.ts"
import { size } from "../../../output/units.ts"
import { withMigration } from "./withMigration.ts"

const SUBJECTS_SHOWN = 50

const streamsTable = (streams: ReadonlyArray<StreamFacts>): string =>
  table(
    [
      { title: "stream", cell: ({ name }) => name },
      { title: "subjects", cell: ({ subjects }) => subjects.join(", ") },
      { title: "messages", cell: ({ messages }) => String(messages), align: "right" },
      { title: "size", cell: ({ bytes }) => size(bytes), align: "right" },
      { title: "a second", cell: ({ ratePerSecond }) => ratePerSecond.toFixed(1), align: "right" }
    ],
    streams,
    "There are no streams"
  )

const consumersTable = (streams: ReadonlyArray<StreamFacts>): string =>
  table(
    [
      { title: "consumer", cell: ({ stream, name }) => `${stream}/${name}` },
      { title: "kind", cell: ({ kind, isDurable }) => `${kind}${isDurable ? "" : ", ephemeral"}` },
      {
        title: "reads",
        cell: ({ filterSubjects }) => (filterSubjects.length === 0 ? "all" : filterSubjects.join(", "))
      },
      { title: "readers", cell: ({ readers }) => String(readers), align: "right" },
      { title: "at", cell: ({ position }) => String(position.delivered), align: "right" },
      { title: "not acknowledged", cell: ({ position }) => String(position.ackPending), align: "right" },
      { title: "behind", cell: ({ position }) => String(position.pending), align: "right" }
    ],
    streams.flatMap((stream) => stream.consumers.map((consumer) => ({ stream: stream.name, ...consumer }))),
    "Nobody reads them"
  )

const subjectsTable = (streams: ReadonlyArray<StreamFacts>): string => {
  const stored = streams
    .flatMap(({ name, stored }) => Object.entries(stored).map(([subject, messages]) => ({ name, subject, messages })))
    .sort((a, b) => b.messages - a.messages)
  const more = stored.length > SUBJECTS_SHOWN ? `\n… and ${stored.length - SUBJECTS_SHOWN} more: see --json` : ""
  return `${table(
    [
      { title: "subject", cell: ({ subject }) => subject },
      { title: "stream", cell: ({ name }) => name },
      { title: "messages", cell: ({ messages }) => String(messages), align: "right" }
    ],
    stored.slice(0, SUBJECTS_SHOWN),
    "Nothing is stored"
  )}${more}`
}

export const inspect = Command.make(
  "inspect",
  {
    measure: durationFlag("measure").pipe(
      Flag.withDefault(3_000),
      Flag.withDescription("How long to watch what arrives (3s)")
    )
  },
  ({ measure }) =>
    withMigration(
      Effect.flatMap(look({ measureMs: measure }), (inspection) =>
        print(inspection, ({ serverVersion, streams }) => {
          const shown = streams.filter(({ name }) => !name.startsWith("KV_") && !name.startsWith("OBJ_"))
          return [
            `nats-server ${serverVersion}`,
            streamsTable(shown),
            consumersTable(shown),
            subjectsTable(shown)
          ].join("\n\n")
        })
      )
    )
).pipe(
  Command.withDescription("Show streams, consumers with their places, subjects and rates; changes nothing"),
  Command.withExamples([
    { command: "NATS_URL=nats://127.0.0.1:4222 bulkhead streams migrate inspect", description: "Without a context" }
  ])
)
