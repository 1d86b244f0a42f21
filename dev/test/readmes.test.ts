import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** The TypeScript blocks of a package's README. */
const examplesOf = (name: string): ReadonlyArray<string> => {
  const text = readFileSync(join(root, "packages", name, "README.md"), "utf8")
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "")
}

/** A command is run, and has nothing to import. */
const isLibrary = (name: string): boolean =>
  !("bin" in JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")))

describe("READMEs", () => {
  it("repeat the example files, which the packages' own tests run", () => {
    for (const name of readdirSync(join(root, "packages"))) {
      const folder = join(root, "packages", name, "examples")
      const files = existsSync(folder) ? readdirSync(folder) : []
      const sources = files.map((file) => readFileSync(join(folder, file), "utf8"))
      assert.includeMembers([...examplesOf(name)], sources, `packages/${name}/README.md`)
    }
  })

  it("hold an example for every library, and each compiles as it stands", { timeout: 60_000 }, () => {
    // Inside the repository, so that the examples find the packages as a reader's project does.
    const folder = join(root, ".bulkhead", "readme-examples")
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const name of readdirSync(join(root, "packages")).filter(isLibrary)) {
      const examples = examplesOf(name)
      assert.isNotEmpty(examples, `packages/${name}/README.md has an example`)
      for (const [index, example] of examples.entries()) writeFileSync(join(folder, `${name}-${index}.ts`), example)
    }
    const config = {
      extends: "../../tsconfig.base.json",
      compilerOptions: { noEmit: true, noUnusedLocals: false },
      include: ["*.ts"]
    }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    const { stdout } = spawnSync("tsc", ["-p", folder], { encoding: "utf8", cwd: root })
    assert.strictEqual(stdout, "")
    rmSync(folder, { recursive: true, force: true })
  })
})
