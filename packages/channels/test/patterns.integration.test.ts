import { startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import * as fc from "fast-check"
import {
  type ChannelError,
  type ChannelErrorReason,
  DEFAULT_TENANT,
  type PrefixMode,
  patternCovers,
  patternsForAllTenants,
  patternsForTenant,
  patternsOverlap,
  subjectMatches,
  type TenantSlug
} from "../src/index.ts"

const acme = "acme" as TenantSlug
const modes: ReadonlyArray<PrefixMode> = ["prefixed", "legacy", "both"]

/** Tokens with wildcards as a part of them are plain words to a server. */
const words = fc.constantFrom("acme", "default", "events", "logs", "a", "a*", ">a", "*-")
const subjects = fc.array(words, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join("."))
const patterns = fc
  .tuple(fc.array(fc.oneof(words, fc.constant("*")), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => [...tokens, ...(open ? [">"] : [])].join("."))

describe("patterns", () => {
  it("give each tenant its own messages in each mode", () => {
    assert.deepStrictEqual(
      modes.map((mode) => patternsForTenant(acme, "events.>", mode)),
      [["acme.events.>"], [], ["acme.events.>"]]
    )
    assert.deepStrictEqual(
      modes.map((mode) => patternsForTenant(DEFAULT_TENANT, "events.>", mode)),
      [["default.events.>"], ["events.>"], ["default.events.>", "events.>"]]
    )
  })

  it("overlap and cover as the subjects do that reach them", () => {
    const some = ["acme", "events", "logs"]
    let longer: ReadonlyArray<string> = some
    const every = [...some]
    for (let length = 2; length <= 4; length += 1) {
      longer = longer.flatMap((subject) => some.map((token) => `${subject}.${token}`))
      every.push(...longer)
    }
    const few = fc
      .tuple(fc.array(fc.constantFrom(...some, "*"), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([tokens, open]) => [...tokens, ...(open ? [">"] : [])].join("."))
    fc.assert(
      fc.property(few, few, (one, other) => {
        const reached = every.filter((subject) => subjectMatches(one, subject))
        const both = reached.filter((subject) => subjectMatches(other, subject))
        assert.strictEqual(patternsOverlap(one, other), both.length > 0)
        // No subject here is as long as what a `>` may stand for.
        if (reached.length > 0) assert.strictEqual(patternCovers(other, one), both.length === reached.length)
      }),
      { numRuns: 500 }
    )
  })

  it.each<[string, ChannelErrorReason]>([
    ["secret.>", "unknown_root"],
    [">", "unknown_root"],
    ["*.events.>", "unknown_root"],
    ["events", "unknown_root"],
    ["events.>.x", "wildcard"],
    ["events.a*", "wildcard"],
    ["events.>a", "wildcard"],
    ["events..x", "empty_token"],
    ["events.a b", "invalid_character"]
  ])("refuse %j as %s", (pattern, reason) => {
    for (const patternsOf of [
      () => patternsForTenant(acme, pattern, "both"),
      () => patternsForAllTenants(pattern, "both")
    ]) {
      try {
        patternsOf()
        assert.fail("no error")
      } catch (error) {
        assert.strictEqual((error as ChannelError).reason, reason)
      }
    }
  })

  it.live("match exactly what a server delivers on them", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: server.url })),
        (open) => Effect.promise(() => open.close())
      )
      const ours = [
        ...modes.flatMap((mode) => patternsForAllTenants("events.>", mode)),
        ...modes.flatMap((mode) => patternsForTenant(acme, "events.*", mode)),
        ...patternsForTenant(DEFAULT_TENANT, "events.a.>", "both")
      ]
      const agreesWithServer = async (patternSet: ReadonlyArray<string>, subjectSet: ReadonlyArray<string>) => {
        const received = patternSet.map((pattern) => {
          const seen: Array<string> = []
          const subscription = connection.subscribe(pattern, {
            callback: (_, message) => void seen.push(message.subject)
          })
          return { pattern, seen, subscription }
        })
        for (const subject of subjectSet) connection.publish(subject)
        // The server answers a flush after it has delivered what was published before it on this connection.
        await connection.flush()
        for (const { pattern, seen, subscription } of received) {
          subscription.unsubscribe()
          assert.deepStrictEqual(
            seen,
            subjectSet.filter((subject) => subjectMatches(pattern, subject)),
            pattern
          )
        }
      }
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.uniqueArray(patterns, { minLength: 1, maxLength: 10 }),
            fc.uniqueArray(subjects, { minLength: 1, maxLength: 20 }),
            (generated, subjectSet) => agreesWithServer([...ours, ...generated], subjectSet)
          ),
          { numRuns: 200 }
        )
      )
    })
  )
})
