import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { groups } from "../src/groups.ts"
import { startCli } from "./cliHarness.ts"

/** Nothing listens there: a command that asks all the same ends with 3. */
const NOWHERE = { BULKHEAD_URL: "http://127.0.0.1:9", BULKHEAD_TOKEN: "a token" }

const refused: ReadonlyArray<readonly [args: string, text: RegExp]> = [
  ["nonsense", /Unknown subcommand "nonsense"/],
  ["tenant list", /Did you mean this\? tenants/],
  ["tenants lst", /Did you mean this\? list/],
  ["tenants list --jsn", /Unrecognized flag: --jsn/],
  ["tenants show", /Missing required argument: tenant/],
  ["tenants show a b", /Unexpected positional argument/],
  ["tenants create Acme --name A", /"Acme"/],
  ["tenants create logs --name A", /"logs"/],
  ["tenants create acme", /Missing required flag: --name/],
  ["tenants create acme --name A --plan gold", /free, pro, enterprise|"free" \| "pro" \| "enterprise"/],
  ["tenants limits set acme", /at least 1|Missing required argument/i],
  ["tenants limits set acme streamBytes", /"streamBytes" is no <limit>=<value>. The limits are connections, /],
  ["tenants limits set acme size=1", /"size=1" is no <limit>=<value>/],
  ["tenants limits set acme toString=1", /is no <limit>=<value>/],
  ["tenants limits set acme streamBytes=many", /streamBytes cannot be "many". Give a whole number/],
  ["tenants limits set acme streamBytes=-1", /streamBytes cannot be "-1"/],
  [
    "tenants suspend acme",
    /Suspending "acme" cuts its clients needs a confirmation, and there is no terminal. Add --yes/
  ],
  ["tenants delete acme", /for ever needs a confirmation/],
  ["credentials issue acme --role root --name a --purpose p --out f", /collector/],
  ["credentials issue acme --role viewer --name a --purpose p", /nowhere to go. Name a file with --out/],
  [
    "credentials issue acme --role viewer --name a --purpose p --out /nowhere/f",
    /cannot be written .* Nothing was issued/
  ],
  ["credentials issue acme --role viewer --name a --purpose p --out /dev/null", /exists already. Nothing was issued/],
  ["credentials rotate acme U1 --out - --overlap soon", /"soon". Expected: a number with its unit/],
  ["credentials revoke acme U1", /cuts whoever uses it, for ever needs a confirmation/],
  ["dead-letters list acme --limit 0", /--limit 0 is less than 1/],
  ["dead-letters list acme --limit x", /Invalid value for flag --limit: "x"/],
  ["dead-letters list acme --reason boring", /malformed_json/],
  ["dead-letters list acme --since yesterday", /"yesterday". Expected: a time with its zone/],
  ["dead-letters list acme --since 2026-11-25T10:00:00", /with its zone/],
  ["dead-letters show acme first", /Invalid value for argument <id>: "first"/],
  ["dead-letters retry acme", /It is not said which dead letters. Give ids/],
  ["dead-letters retry acme 1 --all", /named in more than one way/],
  ["dead-letters purge acme 1 --reason malformed_json", /named in more than one way/],
  ["dead-letters purge acme 1", /Purging 1 dead letters of "acme" for good needs a confirmation/],
  ["flags set NATS_TENANT_PREFIX_MODE", /Missing required argument: value/],
  ["flags set A on --tenant No_Body", /--tenant "No_Body" is no slug/],
  ["flags rollout A on", /Missing required flag: --percent/],
  ["flags rollout A on --percent ten", /"ten"/],
  ["flags remove A --rollout --tenant acme", /two different values/],
  ["replay start acme --yes", /It is not said where the replay begins/],
  ["replay start acme --from-sequence 0 --yes", /--from-sequence 0 is less than 1/],
  ["replay start acme --from-sequence 1 --from-time 1h --yes", /one of them/],
  ["replay start acme --from-sequence 1", /replaces what its messages became needs a confirmation/],
  ["replay cancel acme 1", /needs a confirmation/],
  ["streams apply --allow everything", /"everything". Expected: one of messages-dropped, .*with =<stream>/],
  ["streams plan --layout none", /per-tenant/],
  ["streams lag --watch often", /"often". Expected: a number with its unit/]
]

describe("what cannot be meant", () => {
  it.live("ends with 2 and one line that names it, and asks nothing of core", () =>
    Effect.gen(function* () {
      const cli = yield* startCli(NOWHERE)
      for (const [args, text] of refused) {
        const { exit, stdout, stderr } = yield* cli.run(args.split(" "))
        assert.match(stderr, text, args)
        assert.match(stderr, /^bulkhead: .*[^\n]$/, args)
        assert.deepEqual([exit, stdout], [2, ""], `${args}: ${stderr}`)
        assert.lengthOf(stderr.split("\n"), 1, stderr)
      }
    })
  )

  it.live("is one JSON document on standard error with --json", () =>
    Effect.gen(function* () {
      const cli = yield* startCli(NOWHERE)
      const usage = yield* cli.run(["tenants", "create", "acme", "--json"])
      assert.deepEqual(JSON.parse(usage.stderr), {
        error: { exit: 2, problem: "Missing required flag: --name", nextStep: "See bulkhead tenants create --help" }
      })
      const away = yield* cli.run(["health", "--json"])
      assert.deepInclude(JSON.parse(away.stderr).error, { exit: 3 })
    })
  )
})

describe("help", () => {
  it.live("names every group, and is what a group without a command says", () =>
    Effect.gen(function* () {
      const cli = yield* startCli()
      const root = yield* cli.ok("--help")
      for (const { name, description } of groups) {
        assert.match(root, new RegExp(`^ +${name} +${description}`, "m"))
        const help = yield* cli.ok(name, "--help")
        assert.include(help, `bulkhead ${name}`)
        assert.include(help, description)
      }
      assert.strictEqual(yield* cli.ok("tenants"), yield* cli.ok("tenants", "--help"))
    })
  )

  it.live("completes commands of every group in every shell", () =>
    Effect.gen(function* () {
      const cli = yield* startCli()
      for (const shell of ["bash", "zsh", "fish", "powershell"]) {
        const script = yield* cli.ok("--completions", shell)
        for (const word of ["dead-letters", "retry", "from-sequence", "suspend"]) assert.include(script, word, shell)
      }
    })
  )
})
