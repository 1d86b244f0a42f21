/**
 * A chart as Kubernetes would be given it.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { KUBERNETES } from "./tools.ts"

const charts = join(import.meta.dirname, "..", "..", "helm")

/** As much of an object as the checks look at. */
export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  // Kubernetes' own types are a package of their own, and the checks walk a few known paths.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly spec?: any
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly rules?: any
}

/** Values, as `values.yaml` has them. */
export type Values = Readonly<Record<string, unknown>>

export interface Rendered {
  readonly text: string
  /** What helm refused it with; undefined where it did not. */
  readonly problem: string | undefined
  readonly manifests: ReadonlyArray<Manifest>
}

/** Renders a chart, checked against its schema of values first. */
export const render = (helm: string, chart: "bulkhead" | "bulkhead-edge", values: Values): Rendered => {
  const args = ["template", "release", join(charts, chart), "--namespace", "platform", "--kube-version", KUBERNETES]
  const { status, stdout, stderr } = spawnSync(helm, [...args, "--values", "-"], {
    input: JSON.stringify(values),
    encoding: "utf8"
  })
  const documents = status === 0 ? parseAllDocuments(stdout) : []
  return {
    text: stdout,
    problem: status === 0 ? undefined : stderr,
    manifests: documents.map((document) => document.toJS() as Manifest).filter((manifest) => manifest !== null)
  }
}

/** Whether `helm lint --strict` has nothing to say; else what it says. */
export const lint = (helm: string, chart: string, values: Values): string | undefined => {
  const args = ["lint", "--strict", join(charts, chart), "--kube-version", KUBERNETES, "--values", "-"]
  const { status, stdout } = spawnSync(helm, args, { input: JSON.stringify(values), encoding: "utf8" })
  return status === 0 ? undefined : stdout
}
