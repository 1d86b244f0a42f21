/**
 * What the charts are tried with, kept in the cache folder between runs: helm, which Go builds from its module, and
 * kubernetes-validate, which brings Kubernetes' schemas along.
 */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { cacheFolder } from "@bulkhead/devstack"

const HELM = "v3.22.0"
const VALIDATE = "1.37.0"

/** The Kubernetes that the charts are checked against. */
export const KUBERNETES = "1.37.0"

export interface Tools {
  readonly helm: string | undefined
  /** The folder of Python's package, with its command in `bin`. */
  readonly validate: string | undefined
}

const folders = () => ({ helm: cacheFolder(`helm-${HELM}`), validate: cacheFolder(`kubernetes-validate-${VALIDATE}`) })

const present = (path: string): string | undefined => (existsSync(path) ? path : undefined)

/** What the cache has. */
export const findTools = (): Tools => {
  const { helm, validate } = folders()
  return {
    helm: present(join(helm, "helm")),
    validate: present(join(validate, "bin", "kubernetes-validate")) === undefined ? undefined : validate
  }
}

const run = (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): string | undefined => {
  const { status, stderr, error } = spawnSync(command, args, { env: { ...process.env, ...env }, encoding: "utf8" })
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split("\n").at(-1) ?? "it failed")
}

/** Gets what is missing; says on standard error what cannot be had, and why. */
export const installTools = (): Tools => {
  const have = findTools()
  const { helm, validate } = folders()
  if (have.helm === undefined) {
    console.error("test:helm: building helm once, some minutes …")
    const problem = run("go", ["install", `helm.sh/helm/v3/cmd/helm@${HELM}`], { GOBIN: helm })
    if (problem !== undefined) console.error(`test:helm: helm cannot be had: ${problem}`)
  }
  if (have.validate === undefined) {
    const problem = run("pip", ["install", "--quiet", "--target", validate, `kubernetes-validate==${VALIDATE}`])
    if (problem !== undefined) console.error(`test:helm: kubernetes-validate cannot be had: ${problem}`)
  }
  return findTools()
}
