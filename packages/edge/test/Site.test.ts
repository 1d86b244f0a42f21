import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { bufferedBytesMax, domainOf, Site } from "../src/index.ts"

const MIB = 1024 * 1024

const site = {
  tenant: "acme",
  name: "berlin-2",
  hubUrls: ["tls://hub.example:7422"],
  messageBytesMax: MIB,
  bufferBytesMax: 64 * MIB,
  listenHost: "127.0.0.1",
  listenPort: 4222,
  monitorPort: 8222
}
const decode = Schema.decodeUnknownSync(Site)

describe("Site", () => {
  it("names its leaf node and its JetStream domain after tenant and site", () => {
    assert.strictEqual(domainOf(decode(site)), "acme-berlin-2")
  })

  it("leaves room for the headers that the relay adds", () => {
    assert.isBelow(bufferedBytesMax(decode(site)), MIB)
  })

  it.each([
    ["a name with a dot", { name: "berlin.2" }, /lower-case letters/],
    ["a URL with a user", { hubUrls: ["tls://me:secret@hub.example:7422"] }, /credentials are a file/],
    ["a URL without TLS or leaf scheme", { hubUrls: ["nats://hub.example:4222"] }, /tls:\/\/host/],
    ["no URL", { hubUrls: [] }, /hubUrls/],
    ["a name in place of an address", { listenHost: "localhost; debug: true" }, /IP address/],
    ["a buffer smaller than JetStream's blocks", { bufferBytesMax: MIB }, /67108864/]
  ])("refuses %s, and says what is right", (_, change, message) => {
    assert.throws(() => decode({ ...site, ...change }), message)
  })
})
