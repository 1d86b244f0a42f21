/**
 * Debian's newest suite, on a Debian machine, without root and without installing: a private apt configuration, made
 * from the machine's own sources and with lists of its own, reads that suite; the package is then unpacked.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { install, inTemporaryFolder, type NatsServerSource, run } from "./NatsServerSource.ts"

const SUITE = "sid"
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
const RELEASE_FILE = "/etc/os-release"

/** The archive from which this machine takes its own release. */
const archiveUri = async (): Promise<string> => {
  const release = existsSync(RELEASE_FILE) ? readFileSync(RELEASE_FILE, "utf8") : ""
  if (!/^ID=debian$/m.test(release)) throw new Error("this machine is no Debian")
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1]
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
  const { stdout } = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"])
  const targets = stdout.split("\n").map((line) => line.split(" "))
  const uri = targets.find(([, suite, component]) => suite === codename && component === "main")?.[0]
  if (uri === undefined) throw new Error("apt has no archive of this machine's release")
  return uri
}

const privateApt = (folder: string, uri: string): ReadonlyArray<string> => {
  for (const name of ["state/lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, name), { recursive: true })
  }
  writeFileSync(join(folder, "sources.list"), `deb [signed-by=${KEYRING}] ${uri} ${SUITE} main\n`)
  return [
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    "Dir::Etc::sourceparts=-",
    `Dir::State=${folder}/state`,
    "Dir::State::status=/dev/null",
    `Dir::Cache=${folder}/cache`,
    "Acquire::Languages=none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    // The folder is ours alone, so apt must not hand the download to a user of its own.
    "APT::Sandbox::User="
  ].flatMap((option) => ["-o", option])
}

export const natsServerFromDebian: NatsServerSource = {
  name: "Debian's packages",
  obtain: (target) =>
    inTemporaryFolder(async (folder) => {
      const options = privateApt(folder, await archiveUri())
      await run("apt-get", [...options, "update"])
      await run("apt-get", [...options, "download", "nats-server"], { cwd: folder })
      const archive = readdirSync(folder).find((name) => name.endsWith(".deb"))
      if (archive === undefined) throw new Error(`${SUITE} has no package nats-server`)
      await run("dpkg-deb", ["-x", join(folder, archive), join(folder, "unpacked")])
      install(join(folder, "unpacked/usr/sbin/nats-server"), target)
    })
}
