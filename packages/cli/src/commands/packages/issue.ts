/**
 * `bulkhead packages issue`: a package for a site, with credentials of its own.
 */
import { readFileSync } from "node:fs"
import { DEFAULT_FOLDERS, makeSiteIdentity, Site, sitePackage } from "@bulkhead/edge"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { failed } from "../../CommandFailed.ts"
import { changeCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { intoNewFile } from "../../output/intoNewFile.ts"
import { print } from "../../output/print.ts"
import { time } from "../../output/units.ts"
import { expiresInDays } from "../credentials/credentialOptions.ts"
import { credentialName, isGood, siteArgument, siteOf } from "./siteCredential.ts"

const GIB = 1024 ** 3
/** Of a tenant that may send messages of any size. */
const MESSAGE_BYTES_MAX = 1024 ** 2

const port = (name: string, value: number, description: string) =>
  Flag.Int(name).pipe(Flag.withDefault(value), Flag.withDescription(description))

const folder = (name: string, value: string, description: string) =>
  Flag.String(name).pipe(Flag.withDefault(value), Flag.withMetavar("<path>"), Flag.withDescription(description))

const flags = {
  hub: Flag.String("hub").pipe(
    Flag.atLeast(1),
    Flag.withMetavar("<url>"),
    Flag.withDescription("Where the platform listens for leaf nodes: tls://host:7422; may be given several times")
  ),
  ca: Flag.String("ca").pipe(
    Flag.optional,
    Flag.withMetavar("<file>"),
    Flag.withDescription("The platform's certificate authority, PEM; the site trusts no other. Needed for tls://")
  ),
  out: Flag.String("out").pipe(
    Flag.withMetavar("<file>"),
    Flag.withDescription("Where the package is written, mode 0600; never over another file")
  ),
  bufferBytes: Flag.Int("buffer-bytes").pipe(
    Flag.withDefault(10 * GIB),
    Flag.withDescription("Bytes of the site's disk for what waits while the platform cannot be reached")
  ),
  listenHost: Flag.String("listen-host").pipe(
    Flag.withDefault("127.0.0.1"),
    Flag.withDescription("Address at the site where the leaf node takes collectors")
  ),
  listenPort: port("listen-port", 4222, "Port of the same"),
  monitorPort: port("monitor-port", 8222, "Port of the leaf node's health, on 127.0.0.1"),
  configFolder: folder("config-folder", DEFAULT_FOLDERS.config, "Where the site keeps configuration and credentials"),
  dataFolder: folder("data-folder", DEFAULT_FOLDERS.data, "Where the site keeps what waits")
}

const usage = (problem: string) => failed(EXIT.usage, problem, "Nothing was issued")

const readCa = (file: Option.Option<string>, hubs: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    if (Option.isSome(file)) {
      return Effect.try({
        try: () => readFileSync(file.value, "utf8"),
        catch: (cause) => usage(`--ca "${file.value}" cannot be read (${(cause as Error).message})`)
      })
    }
    const secured = hubs.find((hub) => !hub.startsWith("nats-leaf:"))
    return secured === undefined
      ? Effect.undefined
      : Effect.fail(usage(`--ca is missing, and --hub "${secured}" uses TLS`))
  })

export const issue = Command.make(
  "issue",
  { tenant, site: siteArgument, ...flags, expiresInDays, dryRun },
  Effect.fnUntraced(function* ({ tenant: slug, site: name, expiresInDays, dryRun, ...wanted }) {
    const ask = yield* changeCore(dryRun)
    const params = { slug }
    const { payloadBytes } = yield* ask((core) => core.tenants.limits({ params }))
    const described = {
      tenant: slug,
      name,
      hubUrls: wanted.hub,
      messageBytesMax: payloadBytes === "unlimited" ? MESSAGE_BYTES_MAX : payloadBytes,
      bufferBytesMax: wanted.bufferBytes,
      listenHost: wanted.listenHost,
      listenPort: wanted.listenPort,
      monitorPort: wanted.monitorPort
    }
    const site = yield* Schema.decodeUnknownEffect(Site)(described).pipe(
      Effect.mapError((error) => usage(error.message.replaceAll(/\s*\n\s*/g, " ")))
    )
    const ca = yield* readCa(wanted.ca, wanted.hub)
    const now = yield* DateTime.now
    const users = yield* ask((core) => core.credentials.list({ params }))
    const present = users.find((user) => siteOf(user) === name && isGood(user, now))
    if (present !== undefined) {
      return yield* failed(
        EXIT.fault,
        `Site "${name}" of tenant "${slug}" has a package that is good until ${time(present.expiresAt)}`,
        `Choose another name, or revoke it: bulkhead packages revoke ${slug} ${name}`
      )
    }
    const payload = {
      role: "leaf" as const,
      name: credentialName(name),
      purpose: `leaf node of site ${name}`,
      expiresInDays
    }
    const made = Effect.gen(function* () {
      const { user, creds } = yield* ask((core) => core.credentials.issue({ params, payload }))
      const identity = yield* Effect.promise(() => makeSiteIdentity(site))
      const archive = sitePackage({
        site,
        identity,
        leafCreds: Redacted.make(creds ?? ""),
        issuedAt: DateTime.toDateUtc(user.issuedAt),
        expiresAt: DateTime.toDateUtc(user.expiresAt),
        folders: { config: wanted.configFolder, data: wanted.dataFolder },
        ...(ca === undefined ? {} : { ca })
      })
      return { user, archive }
    })
    const { user } = yield* intoNewFile(wanted.out, made, ({ archive }) => Redacted.value(archive))
    const issued = { tenant: slug, site: name, file: wanted.out, credential: user.publicKey, expiresAt: user.expiresAt }
    yield* print(
      issued,
      ({ file }) => `Site "${name}" of tenant "${slug}": ${file}, good until ${time(user.expiresAt)}. It holds secrets`
    )
  })
).pipe(
  Command.withDescription(
    "Make the package of a site: leaf node, collectors, credentials, and a program that installs them"
  ),
  Command.withExamples([
    {
      command:
        "bulkhead packages issue acme berlin --hub tls://hub.example.com:7422 --ca ca.pem --out acme-berlin.tar.gz",
      description: "For a site whose machine reaches the platform at hub.example.com"
    }
  ])
)
