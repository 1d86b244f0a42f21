import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import type { TenantSlug } from "@bulkhead/channels"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { parseTar } from "nanotar"
import { parse as parseToml } from "smol-toml"
import { parse as parseYaml } from "yaml"
import { makeSiteIdentity, type PackageTerms, type Site, sitePackage } from "../src/index.ts"

const MIB = 1024 * 1024

const site: Site = {
  tenant: "acme" as TenantSlug,
  name: "berlin",
  hubUrls: ["tls://hub.invalid:7422"],
  messageBytesMax: MIB,
  bufferBytesMax: 64 * MIB,
  listenHost: "127.0.0.1",
  listenPort: 4222,
  monitorPort: 8222
}
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const identity = await makeSiteIdentity(site)
const folder = mkdtempSync(join(tmpdir(), "bulkhead-package-"))
const terms: PackageTerms = {
  site,
  identity,
  leafCreds: Redacted.make("-----BEGIN NATS USER JWT-----\n"),
  issuedAt: new Date(Date.now() - 1_000),
  expiresAt: new Date(Date.now() + 90 * 86_400_000),
  ca: "-----BEGIN CERTIFICATE-----\n",
  folders: { config: join(folder, "etc"), data: join(folder, "data") }
}
const bytesOf = (from: PackageTerms) => Buffer.from(Redacted.value(sitePackage(from)))
const archive = bytesOf(terms)
const files = parseTar(gunzipSync(archive))
const textOf = (path: string): string => files.find(({ name }) => name === `acme-berlin/${path}`)?.text ?? ""
const collectors = files
  .filter(({ name }) => name.includes("/collectors/"))
  .map(({ name }) => name.slice("acme-berlin/".length))

/** Whether a tool is on this machine; where it is not, its test says so. */
const has = (tool: string): boolean => spawnSync(tool, ["-v"]).error === undefined

describe("a site's package", () => {
  it("has the same bytes for the same input, and others for other credentials", () => {
    assert.isTrue(archive.equals(bytesOf(terms)))
    assert.isFalse(archive.equals(bytesOf({ ...terms, leafCreds: Redacted.make("other") })))
  })

  it("is one folder whose files only their owner can read", () => {
    for (const { name, attrs } of files) {
      assert.match(name, /^acme-berlin\/[\w./-]+$/)
      assert.include(["600", "700"], attrs?.mode?.replace(/^0+/, ""), name)
    }
  })

  it("does not show its secrets when it is printed", () => {
    assert.notInclude(String(sitePackage(terms)), "NATS USER")
  })

  it("names the tenant in no collector's subject, nor a collector's secret", () => {
    for (const path of collectors) {
      assert.notMatch(textOf(path), /acme\.(logs|otel|flows|events)/, path)
      assert.notMatch(textOf(path), /\bSU[A-Z2-7]{56}\b/, path)
    }
  })

  it("has configurations that parse as what their collectors read", () => {
    const parsers: Readonly<Record<string, (text: string) => unknown>> = {
      json: JSON.parse,
      toml: parseToml,
      yaml: (text) => parseYaml(text),
      conf: (text) => text
    }
    for (const path of collectors) assert.isOk(parsers[path.split(".").at(-1) ?? ""]?.(textOf(path)), path)
    parseToml(textOf("collectors/telegraf.conf"))
    const { sinks } = parseYaml(textOf("collectors/vector.yaml"))
    assert.deepInclude(sinks.leaf, { type: "nats", url: "nats://127.0.0.1:4222", subject: "logs.syslog" })
    assert.deepInclude(parseToml(textOf("collectors/flowgger.toml")).output, { nats_stream: "buffer" })
  })

  it.skipIf(!has("rsyslogd"))("has a configuration that rsyslogd takes", () => {
    const file = join(folder, "rsyslog.conf")
    writeFileSync(file, `global(workDirectory="${folder}")\n${textOf("collectors/rsyslog.conf")}`)
    execFileSync("rsyslogd", ["-N1", "-f", file], { stdio: "pipe" })
  })

  it.skipIf(!has("syslog-ng"))("has a configuration that syslog-ng takes", () => {
    const file = join(folder, "syslog-ng.conf")
    writeFileSync(file, textOf("collectors/syslog-ng.conf"))
    execFileSync("syslog-ng", ["-s", "-f", file], { stdio: "pipe" })
  })
})

describe("its program", () => {
  const unpacked = join(folder, "acme-berlin")
  writeFileSync(join(folder, "package.tar.gz"), archive)
  execFileSync("tar", ["-xzf", join(folder, "package.tar.gz"), "-C", folder])
  const install = (option: string, environment: Readonly<Record<string, string>> = {}) => {
    const { status, stdout, stderr } = spawnSync(join(unpacked, "install"), [option], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, ...environment }
    })
    return { status, text: stdout + stderr }
  }

  it("is a shell script without errors of syntax, whatever the shell", () => {
    execFileSync("sh", ["-n", join(unpacked, "install")])
  })

  it("refuses a package that was changed", () => {
    const file = join(unpacked, "leaf.conf")
    const before = readFileSync(file, "utf8")
    writeFileSync(file, `${before}debug: true\n`)
    const { status, text } = install("--check")
    writeFileSync(file, before)
    assert.strictEqual(status, 1)
    assert.match(text, /not as it was issued\n +unpack the package again/)
  })

  it("refuses to replace another package, whose buffer would be out of reach", () => {
    mkdirSync(join(folder, "etc"))
    writeFileSync(join(folder, "etc", "leaf.conf"), "operator: another\n")
    const { status, text } = install("--check")
    rmSync(join(folder, "etc"), { recursive: true })
    assert.strictEqual(status, 1)
    assert.match(text, /site of another package.*\n +for new credentials replace .*leaf\.creds alone/)
  })

  it("says which of server, version and DNS fails, and what to do", () => {
    const server = (version: string): string => {
      const file = join(folder, `server-${version}`)
      writeFileSync(file, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o700 })
      return file
    }
    assert.match(
      install("--check", { NATS_SERVER: server("2.9.10") }).text,
      /of version 2\.9\.10\n +install 2\.12\.0 or newer/
    )
    const unresolved = install("--check", { NATS_SERVER: server("2.15.1") })
    assert.match(unresolved.text, /ok +the package is whole/)
    assert.match(unresolved.text, /DNS has no address for hub\.invalid\n +correct the machine's DNS/)
    assert.strictEqual(unresolved.status, 1)
  })

  it("refuses credentials that have expired, and a clock that is behind", () => {
    const other = (change: Partial<PackageTerms>): string => {
      const at = mkdtempSync(join(folder, "other-"))
      writeFileSync(join(at, "p.tar.gz"), Redacted.value(sitePackage({ ...terms, ...change })))
      execFileSync("tar", ["-xzf", join(at, "p.tar.gz"), "-C", at])
      return spawnSync(join(at, "acme-berlin", "install"), ["--check"], { encoding: "utf8" }).stderr
    }
    assert.match(other({ expiresAt: new Date(Date.now() - 1_000) }), /good until .*\n +ask for a new package/)
    assert.match(
      other({ issuedAt: new Date(Date.now() + 3_600_000) }),
      /before the package was issued\n +set the clock/
    )
  })
})
