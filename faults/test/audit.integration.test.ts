import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Data, Effect } from "effect"
import { audit, type Findings, isClean } from "../src/audit.ts"
import { POISON } from "../src/poison.ts"
import { conclude } from "../src/runFaults.ts"
import type { World } from "../src/World.ts"
import { TheWorld } from "./temporaryWorld.ts"

/** Takes the doctored database back, with what was found in it. */
class Undo extends Data.TaggedError("Undo")<{ readonly found: Findings }> {}

/** What the audit finds when these statements have been run; afterwards nothing of them is left. */
const findingsAfter = (world: World, ...statements: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql
      .withTransaction(
        Effect.gen(function* () {
          for (const statement of statements) yield* sql.unsafe(statement).unprepared
          return yield* new Undo({ found: yield* audit(world.tenants.map(({ ledger }) => ledger)) })
        })
      )
      .pipe(Effect.catchTag("Undo", ({ found }) => Effect.succeed(found)))
  }).pipe(Effect.provide(world.pool))

/** Some events and poison of each tenant, in several transactions. */
const fill = Effect.fnUntraced(function* (world: World) {
  const begin = yield* conclude(world)
  if (begin.published > 20) return begin
  for (const kind of POISON.slice(0, 3)) {
    yield* Effect.forEach(world.tenants, (tenant) => tenant.publish(30), { discard: true })
    yield* Effect.forEach(world.tenants, (tenant) => tenant.poison(kind), { discard: true })
    yield* world.caughtUp()
  }
  return yield* conclude(world)
})

const ACME = "tenant_acme.ocsf_events"
const LETTERS = "tenant_acme.dead_letters"
const COLUMNS = "lane, sequence, subject, headers, payload, reason, detail, received_at"

/** The id of the acme event of this number. */
const id = (number: number) => `'f0000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}'`

/** Exchanges a value of two rows. */
const swap = (column: string, one: number, other: number) =>
  `update ${ACME} as row set ${column} = other.${column} from ${ACME} as other
   where (row.id, other.id) in ((${id(one)}, ${id(other)}), (${id(other)}, ${id(one)}))`

/** Each with what must be counted; everything else must be as before. `some` is one or more. */
const doctored: ReadonlyArray<
  readonly [string, ReadonlyArray<string>, Partial<Record<keyof Findings, number | "some">>]
> = [
  ["nothing", [], {}],
  ["a deleted row", [`delete from ${ACME} where id = ${id(7)}`], { lost: 1, stored: -1 }],
  ["a doubled row", [`insert into ${ACME} select * from ${ACME} where id = ${id(7)}`], { duplicated: 1, stored: 1 }],
  ["rows of two transactions swapped", [swap("created_at", 7, 75)], { disordered: "some" }],
  ["rows of one transaction swapped", [swap("id", 7, 9)], { disordered: 2 }],
  ["a row that names another sequence", [`update ${ACME} set stream_seq = 1 where id = ${id(7)}`], { disordered: 1 }],
  ["a row that names no sequence", [`update ${ACME} set stream_seq = null where id = ${id(7)}`], { disordered: 1 }],
  [
    "a foreign row",
    [`insert into tenant_globex.ocsf_events select * from ${ACME} where id = ${id(7)}`],
    { misplaced: 1 }
  ],
  [
    "a row in another schema than its own",
    [
      `insert into tenant_globex.ocsf_events select * from ${ACME} where id = ${id(7)}`,
      `delete from ${ACME} where id = ${id(7)}`
    ],
    { misplaced: 1, lost: 1, stored: -1 }
  ],
  [
    "a row with another tenant's id",
    [`update ${ACME} set tenant_id = gen_random_uuid() where id = ${id(7)}`],
    { misplaced: 1, lost: 1, stored: -1 }
  ],
  [
    "a row that nobody published",
    [`update ${ACME} set id = ${id(5_000)} where id = ${id(7)}`],
    { misplaced: 1, lost: 1, stored: -1 }
  ],
  [
    "an extra dead letter",
    [
      `insert into ${LETTERS} (${COLUMNS}) select ${COLUMNS.replace("sequence", "sequence + 100000")} from ${LETTERS} limit 1`
    ],
    { wrongDeadLetters: 1 }
  ],
  [
    "a doubled dead letter",
    [`insert into ${LETTERS} (${COLUMNS}) select ${COLUMNS} from ${LETTERS} limit 1`],
    { duplicated: 1, stored: 1 }
  ],
  [
    "a missing dead letter",
    [`delete from ${LETTERS} where id = (select min(id) from ${LETTERS})`],
    { lost: 1, stored: -1 }
  ],
  [
    "a dead letter with another reason",
    [`update ${LETTERS} set reason = 'too_deep' where id = (select min(id) from ${LETTERS})`],
    { wrongDeadLetters: 1 }
  ],
  [
    "a dead letter with another payload",
    [`update ${LETTERS} set payload = '\\x00' where id = (select min(id) from ${LETTERS})`],
    { wrongDeadLetters: 1 }
  ]
]

layer(TheWorld.layer, { excludeTestServices: true, timeout: 60_000 })("the audit", (it) => {
  for (const [what, statements, expected] of doctored) {
    it.effect(`counts ${what}`, () =>
      Effect.gen(function* () {
        const world = yield* TheWorld
        const before = yield* fill(world)
        const found = yield* findingsAfter(world, ...statements)
        const changes = (Object.keys(found) as Array<keyof Findings>).map((key) => {
          const change = found[key] - before[key]
          return [key, expected[key] === "some" && change > 0 ? "some" : change] as const
        })
        assert.deepStrictEqual(Object.fromEntries(changes.filter(([, change]) => change !== 0)), { ...expected })
        assert.isTrue(isClean(before))
        assert.strictEqual(isClean(found), what === "nothing")
      })
    )
  }
})
