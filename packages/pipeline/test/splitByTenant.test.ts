import type { StreamMessage } from "@bulkhead/nats"
import { assert, describe, it } from "@effect/vitest"
import { splitByTenant } from "../src/splitByTenant.ts"

const message = (subject: string, sequence: number): StreamMessage => ({
  sequence,
  subject,
  data: new Uint8Array(),
  headers: {},
  timestamp: new Date(0)
})

const split = (subjects: ReadonlyArray<string>) => {
  const { parts, nobodys } = splitByTenant(
    subjects.map((subject, index) => message(subject, index + 1)),
    ["events.>"]
  )
  return {
    parts: Object.fromEntries([...parts].map(([tenant, own]) => [tenant, own.map(({ sequence }) => sequence)])),
    nobodys: nobodys.map(({ subject }) => subject)
  }
}

describe("splitByTenant", () => {
  it("gives each tenant its messages in order, and default the ones without a prefix", () => {
    const subjects = ["acme.events.x", "globex.events.a.b", "events.x", "acme.events.y", "default.events.x"]
    assert.deepStrictEqual(split(subjects), {
      parts: { acme: [1, 4], globex: [2], default: [3, 5] },
      nobodys: []
    })
  })

  it("leaves other roots alone, also where *.events.> takes them", () => {
    assert.deepStrictEqual(split(["logs.events.x", "acme.logs.events.x"]), { parts: {}, nobodys: [] })
  })

  it("names what could be no tenant's", () => {
    const strange = ["Acme.events.x", "platform.events.x", "a_b.events.x"]
    assert.deepStrictEqual(split(strange), { parts: {}, nobodys: strange })
  })
})
