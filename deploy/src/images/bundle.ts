/**
 * Makes the build context of an image: the service and all it imports as a few files, what cannot be bundled beside them,
 * the health check, and the list of all packages in it. So an image holds what the service runs and nothing else, and
 * building it needs no registry.
 */
import { execFileSync } from "node:child_process"
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "rolldown"
import { imageContents, nativePackages } from "./imageContents.ts"

const repository = fileURLToPath(new URL("../../..", import.meta.url))
const images = join(repository, "deploy", "images")

/** A package and the optional ones of it that are installed: its native part for this machine. */
const withOptional = (name: string): ReadonlyArray<string> => {
  const manifest = JSON.parse(readFileSync(join(repository, "node_modules", name, "package.json"), "utf8")) as {
    readonly optionalDependencies?: Readonly<Record<string, string>>
  }
  const optional = Object.keys(manifest.optionalDependencies ?? {})
  return [name, ...optional.filter((other) => existsSync(join(repository, "node_modules", other)))]
}

const copyNative = (image: string, folder: string): void => {
  for (const name of (nativePackages[image] ?? []).flatMap(withOptional)) {
    const target = join(folder, "node_modules", name)
    mkdirSync(dirname(target), { recursive: true })
    cpSync(join(repository, "node_modules", name), target, { recursive: true })
  }
}

/** Every package of the service with version and licence, in CycloneDX, as npm knows it. */
const writeBillOfMaterials = (image: string, folder: string): void => {
  const args = ["sbom", "--workspace", `@bulkhead/${image}`, "--omit", "dev", "--sbom-format", "cyclonedx"]
  const bill = execFileSync("npm", args, { cwd: repository, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
  writeFileSync(join(folder, "sbom.cdx.json"), bill)
}

/** Writes the context of one image and gives its folder. */
export const bundle = async (image: string): Promise<string> => {
  const folder = join(images, "out", image)
  rmSync(folder, { recursive: true, force: true })
  await build({
    cwd: repository,
    input: { ...imageContents[image] },
    platform: "node",
    external: (nativePackages[image] ?? []).map((name) => new RegExp(`^${name}(/|$)`)),
    resolve: { conditionNames: ["@bulkhead/source", "node", "import", "default"] },
    output: { dir: folder, format: "esm", entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    logLevel: "warn"
  })
  copyNative(image, folder)
  copyFileSync(join(images, "healthcheck.mjs"), join(folder, "healthcheck.mjs"))
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`)
  writeBillOfMaterials(image, folder)
  return folder
}
