/**
 * `npm run images [-- <service> …]`: bundles the services that are named, or all, and builds an image of each. What is set
 * in the environment wins: `BASE_IMAGE`, `IMAGE_PREFIX` (default `bulkhead/`), `IMAGE_TAG` (default `dev`). With
 * `--bundle-only` it leaves building to another builder than Docker's.
 */
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { bundle } from "./bundle.ts"
import { imageContents } from "./imageContents.ts"

const DOCKERFILE = fileURLToPath(new URL("../../images/Dockerfile", import.meta.url))
const { IMAGE_PREFIX = "bulkhead/", IMAGE_TAG = "dev", BASE_IMAGE } = process.env

const build = (image: string, context: string): string => {
  const tag = `${IMAGE_PREFIX}${image}:${IMAGE_TAG}`
  const values = { SERVICE: image, VERSION: IMAGE_TAG, ...(BASE_IMAGE === undefined ? {} : { BASE_IMAGE }) }
  const args = Object.entries(values).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`])
  execFileSync("docker", ["build", "--quiet", "--file", DOCKERFILE, "--tag", tag, ...args, context], {
    stdio: ["ignore", "ignore", "inherit"]
  })
  return tag
}

const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith("--"))
const unknown = named.find((name) => imageContents[name] === undefined)
if (unknown !== undefined) {
  console.error(`images: there is no service "${unknown}": one of ${Object.keys(imageContents).join(", ")}`)
  process.exit(2)
}
for (const image of named.length > 0 ? named : Object.keys(imageContents)) {
  const context = await bundle(image)
  console.log(args.includes("--bundle-only") ? context : build(image, context))
}
