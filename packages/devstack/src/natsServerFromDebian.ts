/**
 * Takes nats-server out of Debian's newest suite on a Debian machine, without root and without installing it: a
 * private apt configuration made from the machine's own sources, with its own lists, reads the newer suite; the
 * package is then unpacked.
 */
import { execFile } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { DevstackError } from "./DevstackError.ts"

const run = promisify(execFile)

const archiveUri = async (): Promise<string | undefined> => {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
  const { stdout } = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"])
  const { stdout: release } = await run("sh", ["-c", '. /etc/os-release && echo "$ID $VERSION_CODENAME"'])
  const [id, codename] = release.trim().split(" ")
  if (id !== "debian") return undefined
  return stdout
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, suite, part]) => suite === codename && part === "main")?.[0]
}

const obtain = async (target: string): Promise<void> => {
  const uri = await archiveUri()
  if (uri === undefined) return
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-apt-"))
  try {
    for (const name of ["state/lists/partial", "cache/archives/partial"])
      mkdirSync(join(folder, name), { recursive: true })
    const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    writeFileSync(join(folder, "sources.list"), `deb [signed-by=${keyring}] ${uri} sid main\n`)
    const options = [
      `Dir::Etc::sourcelist=${folder}/sources.list`,
      "Dir::Etc::sourceparts=-",
      `Dir::State=${folder}/state`,
      "Dir::State::status=/dev/null",
      `Dir::Cache=${folder}/cache`,
      "Acquire::Languages=none",
      "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
      "APT::Sandbox::User="
    ].flatMap((option) => ["-o", option])
    await run("apt-get", [...options, "update"])
    await run("apt-get", [...options, "download", "nats-server"], { cwd: folder })
    const archive = readdirSync(folder).find((name) => name.endsWith(".deb"))
    if (archive === undefined) return
    await run("dpkg-deb", ["-x", join(folder, archive), join(folder, "unpacked")])
    // Renamed into place, so that a reader never sees half a binary.
    copyFileSync(join(folder, "unpacked/usr/sbin/nats-server"), `${target}.new`)
    renameSync(`${target}.new`, target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Puts the suite's nats-server at `target`; leaves `target` absent where this is no Debian. */
export const natsServerFromDebian = (target: string): Effect.Effect<void, DevstackError> =>
  Effect.tryPromise({
    try: () => obtain(target),
    catch: (cause) =>
      new DevstackError({
        component: "nats-server",
        problem: "could not be taken from Debian's packages",
        nextStep: "Install it and set NATS_SERVER to its path",
        cause
      })
  })
