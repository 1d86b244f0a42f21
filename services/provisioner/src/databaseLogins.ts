/**
 * The logins of the platform's services in PostgreSQL: none a superuser, each with what its service needs. Their names,
 * passwords and database are those of the URLs that the services themselves are given, so that the two cannot differ.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, Schedule } from "effect"
import { isSqlError } from "effect/sql/SqlError"
import { ProvisionError } from "./ProvisionError.ts"

/** Has no login: core gives it each tenant's role, to be taken for a transaction. */
const LANE_WRITERS = "bulkhead_lane_writers"

const services = {
  /** It may make roles and schemas: the tenants'. */
  core: { attributes: "createrole", makesSchemas: true, writesLanes: false },
  /** It has a schema that no other login can read. */
  "account-signer": { attributes: "", makesSchemas: true, writesLanes: false },
  /** It writes tenants' rows, and makes nothing. */
  "db-event-writer": { attributes: "", makesSchemas: false, writesLanes: true },
  /** So it does with flows. */
  "netflow-consumer": { attributes: "", makesSchemas: false, writesLanes: true }
} as const

/** A service with a login. */
export type LoginName = keyof typeof services

/** Each service's own `DATABASE_URL`; a service that is absent gets no login. */
export type ServiceUrls = Readonly<Partial<Record<LoginName, Redacted.Redacted<string>>>>

/** A server that starts at the same time is waited for, a minute at most. */
const AGAIN = { schedule: Schedule.spaced("1 second"), times: 60 }

interface Login {
  readonly service: LoginName
  readonly name: string
  readonly password: string
  readonly database: string
}

const loginOf = (service: LoginName, url: Redacted.Redacted<string>): Effect.Effect<Login, ProvisionError> => {
  const { protocol, username, password, pathname } = URL.parse(Redacted.value(url)) ?? {
    protocol: "",
    username: "",
    password: "",
    pathname: ""
  }
  const parts = [username, password, pathname.slice(1)].map(decodeURIComponent)
  const [name = "", secret = "", database = ""] = parts
  if (/^postgres(ql)?:$/.test(protocol) && parts.every((part) => part !== "")) {
    return Effect.succeed({ service, name, password: secret, database })
  }
  return Effect.fail(
    new ProvisionError({
      problem: `The URL of ${service} names no login, password or database`,
      nextStep: "Write it as postgres://user:password@host:5432/database"
    })
  )
}

/** Runs a statement made of a template of PostgreSQL's `format`, which quotes names (%I) and texts (%L). */
const run = Effect.fnUntraced(function* (sql: PgClient.PgClient, template: string, ...values: ReadonlyArray<string>) {
  const places = values.map((_, index) => `, $${index + 1}::text`).join("")
  const [made] = yield* sql.unsafe<{ statement: string }>(`select format('${template}'${places}) as statement`, values)
  yield* sql.unsafe(made?.statement ?? "")
})

const ensureRole = Effect.fnUntraced(function* (sql: PgClient.PgClient, { service, name, password }: Login) {
  const { attributes, writesLanes } = services[service]
  const roles = yield* sql`select from pg_roles where rolname = ${name}`
  const verb = roles.length === 0 ? "create" : "alter"
  yield* run(sql, `${verb} role %I login ${attributes} password %L`, name, password)
  if (writesLanes) yield* run(sql, "grant %I to %I", LANE_WRITERS, name)
})

const prepare = Effect.fnUntraced(function* (logins: ReadonlyArray<Login>) {
  const sql = yield* PgClient.PgClient
  const writers = yield* sql`select from pg_roles where rolname = ${LANE_WRITERS}`
  if (writers.length === 0) yield* run(sql, "create role %I nologin", LANE_WRITERS)
  for (const login of logins) {
    yield* ensureRole(sql, login)
    const { database } = login
    const databases = yield* sql`select from pg_database where datname = ${database}`
    if (databases.length === 0) yield* run(sql, "create database %I", database)
    if (services[login.service].makesSchemas) {
      yield* run(sql, "grant create on database %I to %I", database, login.name)
    }
  }
  return logins.map(({ service, name }) => `${service}: login ${name}`)
})

/**
 * Makes database and logins, or gives them the passwords that the URLs have by now. May be repeated at any time. `admin`
 * is a URL of a user that may make roles and databases. Gives a line a login.
 */
export const prepareDatabase = Effect.fnUntraced(function* (admin: Redacted.Redacted<string>, urls: ServiceUrls) {
  const given = Object.entries(urls) as ReadonlyArray<[LoginName, Redacted.Redacted<string>]>
  const logins = yield* Effect.forEach(given, ([service, url]) => loginOf(service, url))
  return yield* prepare(logins).pipe(
    Effect.provide(PgClient.layer({ url: admin, maxConnections: 1 })),
    Effect.retry({ ...AGAIN, while: (error) => isSqlError(error) && error.isRetryable }),
    Effect.catchTag("SqlError", (error) =>
      Effect.fail(
        new ProvisionError({
          problem: `PostgreSQL: ${error.reason.message}`,
          nextStep: "Check the administrator's URL and rights: it makes roles and databases"
        })
      )
    )
  )
})
