/** A day of an operator, against a core with accounts and a core without. */
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { encode, ocsfEvent, publish, startCore, startPlatform } from "@bulkhead/core/testing"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { connect, credsAuthenticator } from "@nats-io/transport-node"
import { Effect } from "effect"
import { coreAt, startCli } from "./cliHarness.ts"

const start = (environment: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const core = yield* startCore(environment)
    return { core, ...(yield* startCli(coreAt(core.url))) }
  })

const startWithAccounts = Effect.gen(function* () {
  const platform = yield* startPlatform()
  return { platform, ...(yield* startCli(coreAt(platform.url))) }
})

describe("tenants", () => {
  it.live("are created, shown, changed, suspended, resumed and deleted", () =>
    Effect.gen(function* () {
      const { ok, json, run } = yield* startWithAccounts
      assert.strictEqual(
        yield* ok("tenants", "create", "acme", "--name", "Acme", "--plan", "pro"),
        'Tenant "acme" is active, plan pro'
      )
      assert.match(yield* ok("tenants", "show", "acme"), /^tenant +acme\nname +Acme\nplan +pro\nstatus +\w+$/m)
      assert.deepInclude(yield* json("tenants", "show", "acme"), { slug: "acme", plan: "pro", status: "active" })

      yield* ok("tenants", "plan", "acme", "free")
      const limits = yield* ok("tenants", "limits", "set", "acme", "streamBytes=64MiB", "connections=3")
      assert.match(limits, /^streamBytes +64 MiB +tenant$/m)
      assert.match(limits, /^leafNodes +1 +plan$/m)
      assert.deepInclude((yield* json("tenants", "limits", "get", "acme")).limits, {
        streamBytes: 67_108_864,
        connections: 3
      })
      assert.match(yield* ok("tenants", "limits", "set", "acme", "connections=plan"), /^connections +10 +plan$/m)

      assert.strictEqual(yield* ok("tenants", "suspend", "acme", "--yes"), 'Tenant "acme" is suspended')
      assert.strictEqual(yield* ok("tenants", "resume", "acme"), 'Tenant "acme" is active')
      assert.match(yield* ok("tenants", "delete", "acme", "--yes"), /^stream +events-acme is gone$/m)
      const gone = yield* run(["tenants", "show", "acme"])
      assert.deepInclude(gone, { exit: 1, stdout: "" })
      assert.match(gone.stderr, /no tenant "acme"/)
    })
  )

  it.live("are left as they are by --dry-run, which says what would be sent", () =>
    Effect.gen(function* () {
      const { ok, json, core } = yield* start()
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      const before = yield* json("tenants", "show", "acme")
      const shown = yield* ok("tenants", "create", "globex", "--name", "G", "--dry-run")
      assert.include(shown, "dry run: nothing was changed")
      assert.include(shown, `POST ${core.url}/v1/tenants`)
      assert.include(shown, '"slug": "globex"')
      const sent = yield* json("tenants", "limits", "set", "acme", "connections=plan", "--dry-run")
      assert.deepEqual(sent.dryRun, {
        method: "PATCH",
        url: `${core.url}/v1/tenants/acme`,
        body: { limits: { connections: null } }
      })
      for (const args of [
        ["tenants", "suspend", "acme"],
        ["tenants", "delete", "acme"],
        ["tenants", "plan", "acme", "pro"],
        ["tenants", "resume", "acme"],
        ["credentials", "issue", "acme", "--role", "viewer", "--name", "a", "--purpose", "p", "--out", "dry.creds"],
        ["credentials", "rotate", "acme", "U", "--out", "dry.creds"],
        ["credentials", "revoke", "acme", "U"],
        ["dead-letters", "retry", "acme", "--all"],
        ["dead-letters", "purge", "acme", "1"],
        ["replay", "start", "acme", "--from-sequence", "1"],
        ["replay", "cancel", "acme", "1"],
        ["flags", "set", "NATS_TENANT_PREFIX_MODE", "both"],
        ["flags", "rollout", "NATS_TENANT_PREFIX_MODE", "both", "--percent", "5"],
        ["flags", "remove", "NATS_TENANT_PREFIX_MODE"]
      ]) {
        assert.include(yield* ok(...args, "--dry-run"), "dry run", args.join(" "))
      }
      assert.isFalse(existsSync("dry.creds"))
      const { health: _, ...after } = yield* json("tenants", "show", "acme")
      const { health: __, ...same } = before
      assert.deepEqual(after, same)
      assert.lengthOf(
        (yield* json("tenants", "list")).filter(({ slug }: { slug: string }) => slug === "globex"),
        0
      )
    })
  )

  it.live("are refused in the words of core", () =>
    Effect.gen(function* () {
      const { ok, run } = yield* start()
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      const refused: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["tenants", "create", "acme", "--name", "A"], /Tenant "acme" exists already. Choose another slug/],
        [["tenants", "suspend", "default", "--yes"], /"default" owns the subjects without a prefix/],
        [["tenants", "limits", "set", "acme", "streamBytes=1TiB"], /over this installation's 1073741824 bytes/],
        [["tenants", "limits", "set", "acme", "burstSeconds=0"], /burstSeconds 0 is refused/],
        [["dead-letters", "show", "acme", "77"], /no dead letter 77/],
        [["replay", "show", "acme", "77"], /no replay 77/],
        [["health", "nobody"], /No tenant "nobody"/]
      ]
      for (const [args, text] of refused) {
        const { exit, stdout, stderr } = yield* run(args)
        assert.match(stderr, text)
        assert.deepEqual([exit, stdout], [1, ""], stderr)
      }
      const unavailable = yield* run(["credentials", "list", "acme"])
      assert.strictEqual(unavailable.exit, 3, unavailable.stderr)
    })
  )
})

describe("credentials", () => {
  it.live("are issued into a file of the owner alone, used, rotated, revoked and listed", () =>
    Effect.gen(function* () {
      const { ok, json, run, folder, platform } = yield* startWithAccounts
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      const file = join(folder, "edge.creds")
      const issue = [
        "credentials",
        "issue",
        "acme",
        "--role",
        "collector",
        "--name",
        "edge-1",
        "--purpose",
        "site 1",
        "--out"
      ]
      const said = yield* ok(...issue, file)
      assert.match(said, /^U[A-Z2-7]{55} \(collector "edge-1"\) is good until .*; written to /)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const secret = /^SU[A-Z2-7]{56}$/m
      assert.match(readFileSync(file, "utf8"), secret)
      assert.notMatch(said, /SU[A-Z2-7]{56}/)

      const servers = platform.servers.nats.url
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers, authenticator: credsAuthenticator(readFileSync(file)) })),
        (open) => Effect.promise(() => open.close())
      )
      yield* publish(connection, "events.poller.health")

      const again = yield* run([...issue, file])
      assert.deepInclude(again, { exit: 2, stdout: "" })
      const named = (users: ReadonlyArray<{ name: string }>) => users.filter(({ name }) => name === "edge-1")
      assert.lengthOf(named(yield* json("credentials", "list", "acme")), 1)

      const old = said.slice(0, 56)
      const next = join(folder, "edge.next.creds")
      const { user } = yield* json("credentials", "rotate", "acme", old, "--out", next, "--overlap", "2h")
      assert.match(readFileSync(next, "utf8"), secret)
      const list = yield* ok("credentials", "list", "acme")
      assert.match(list, new RegExp(`^${old} +collector +edge-1 +retires `, "m"))
      assert.match(list, new RegExp(`^${user.publicKey} +collector +edge-1 +good `, "m"))
      yield* ok("credentials", "revoke", "acme", old, "--yes")
      assert.match(yield* ok("credentials", "list", "acme"), new RegExp(`^${old} .* revoked `, "m"))
      assert.match(yield* ok("credentials", "audit", "acme"), /sign-user|user/)

      const failed = yield* run(["credentials", "rotate", "acme", old, "--out", join(folder, "none.creds")])
      assert.deepInclude(failed, { exit: 1 })
      assert.isFalse(existsSync(join(folder, "none.creds")))
      const viewer = ["credentials", "issue", "acme", "--role", "viewer", "--name", "v", "--purpose", "p"]
      assert.match(yield* ok(...viewer, "--out", "-"), secret)
    })
  )
})

describe("dead-letters and replay", () => {
  it.live("list, show, retry and purge letters; a replay is followed to its end", () =>
    Effect.gen(function* () {
      const { core, ok, json, run } = yield* start()
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      for (const text of ["not json", "[]"]) yield* core.publish("acme", "events.test", encode(text))
      for (let number = 0; number < 20; number++) yield* core.publish("acme", "events.test", ocsfEvent("acme", number))
      yield* core.awaitStored("acme", 20)

      const list = yield* ok("dead-letters", "list", "acme")
      assert.match(list, /^ *ID +RECEIVED +SUBJECT +REASON +SIZE +TRIES +DETAIL\n/)
      assert.match(list, /acme\.events\.test +malformed_json +8 B +0 /)
      const lines = (yield* ok("dead-letters", "list", "acme", "--json")).split("\n").map((line) => JSON.parse(line))
      assert.deepEqual(
        lines.map(({ reason }) => reason),
        ["not_an_object", "malformed_json"]
      )
      assert.lengthOf((yield* ok("dead-letters", "list", "acme", "--limit", "1", "--json")).split("\n"), 1)
      assert.strictEqual(yield* ok("dead-letters", "list", "acme", "--until", "1h", "--json"), "")
      assert.match(yield* ok("dead-letters", "show", "acme", String(lines[1]?.id)), /^payload +not json$/m)

      const retried = yield* run(["dead-letters", "retry", "acme", "--all"])
      assert.strictEqual(retried.exit, 1)
      assert.match(retried.stdout, /^0 stored, 2 kept, 0 gone\n +\d+ +malformed_json: /)
      const would = yield* json("dead-letters", "purge", "acme", "--reason", "not_an_object", "--dry-run")
      assert.deepEqual(would, { dryRun: { letters: 1, filter: "reason=not_an_object" } })
      assert.strictEqual(
        yield* ok("dead-letters", "purge", "acme", "--reason", "not_an_object", "--yes"),
        "1 dead letters are purged"
      )
      assert.strictEqual(
        yield* ok("dead-letters", "purge", "acme", String(lines[1]?.id), "--yes"),
        "1 dead letters are purged"
      )
      assert.match(yield* ok("dead-letters", "list", "acme"), /has no such dead letter/)

      const replayed = yield* json("replay", "start", "acme", "--from-sequence", "1", "--yes", "--wait")
      assert.deepInclude(replayed, { status: "done", deadLetters: 2 })
      assert.match(yield* ok("replay", "list", "acme"), /^ *\d+ +done +1 /m)
      assert.match(yield* ok("replay", "show", "acme", String(replayed.id)), /^status +done$/m)
      assert.strictEqual((yield* json("replay", "cancel", "acme", String(replayed.id), "--yes")).status, "done")
      const beyond = yield* run(["replay", "start", "acme", "--from-sequence", "100000", "--yes"])
      assert.strictEqual(beyond.exit, 1, beyond.stderr)
    })
  )
})

describe("flags", () => {
  it.live("are listed, set for everyone, a tenant and a share, and taken away", () =>
    Effect.gen(function* () {
      const { ok, json, run } = yield* start()
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      const flag = "NATS_TENANT_PREFIX_ENABLED"
      assert.match(yield* ok("flags", "list"), /^NATS_TENANT_PREFIX_ENABLED +true +0 +Publishers send/m)
      assert.match(yield* ok("flags", "set", flag, "off"), /^in force +false\neveryone +false$/m)
      assert.match(
        yield* ok("flags", "set", flag, "on", "--tenant", "acme"),
        /^in force +true\n(.*\n)*tenant acme +true$/m
      )
      assert.match(
        yield* ok("flags", "rollout", flag, "on", "--percent", "12.5"),
        /^rollout +true for 12.5 % of the tenants$/m
      )
      assert.deepInclude(yield* json("flags", "get", flag), {
        inForce: "false",
        rollout: { percent: 12.5, value: "true" }
      })
      assert.deepInclude(yield* json("flags", "get", flag, "--tenant", "acme"), { inForce: "true" })
      yield* ok("flags", "remove", flag, "--rollout")
      yield* ok("flags", "remove", flag, "--tenant", "acme")
      assert.deepInclude(yield* json("flags", "remove", flag), { inForce: "true", tenants: {} })
      const refused: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["set", "NOBODY", "on"], /There is no flag "NOBODY"/],
        [["set", flag, "perhaps"], /"perhaps" is no value of flag/],
        [["set", flag, "on", "--tenant", "nobody"], /no tenant "nobody"/],
        [["rollout", flag, "on", "--percent", "101"], /0 to 100/]
      ]
      for (const [args, text] of refused) {
        const { exit, stderr } = yield* run(["flags", ...args])
        assert.match(stderr, text)
        assert.strictEqual(exit, 1)
      }
    })
  )
})

describe("health", () => {
  it.live("is 0 while all tenants run, and 1 with the reason when one does not", () =>
    Effect.gen(function* () {
      const { core, ok, run, json } = yield* start({ CORE_DRIFT_MS: "600000" })
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      yield* waitUntil(
        "all tenants run",
        Effect.map(run(["health"]), ({ exit }) => exit === 0)
      )
      assert.match(yield* ok("health"), /^acme +active +\d+ /m)
      assert.deepInclude(yield* json("health", "acme"), { tenant: "acme", status: "active" })
      yield* core.nats.stop
      yield* waitUntil(
        "acme is degraded",
        Effect.map(run(["health", "acme"]), ({ exit }) => exit === 1)
      )
      const all = yield* run(["health"])
      assert.strictEqual(all.exit, 1)
      assert.match(all.stderr, /tenants do not run as they should: .*Ask where a message stops: bulkhead doctor/)
    })
  )
})
