import type { ReachabilityReport } from "./proveIsolation.ts"

/** A matrix with more tenants is summed up. */
const MATRIX_MAX = 20

const cell = (kinds: ReadonlySet<"publish" | "read"> | undefined): string =>
  kinds === undefined ? "·" : `${kinds.has("publish") ? "P" : ""}${kinds.has("read") ? "R" : ""}`

/** The leaks among the findings by `from` and `to`. */
const reachOf = (findings: ReachabilityReport["findings"]) => {
  const reach = new Map<string, Map<string, Set<"publish" | "read">>>()
  for (const { severity, kind, from, to } of findings) {
    if (severity !== "leak" || (kind !== "publish" && kind !== "read")) continue
    const row = reach.get(from) ?? new Map<string, Set<"publish" | "read">>()
    reach.set(from, row.set(to, (row.get(to) ?? new Set()).add(kind)))
  }
  return reach
}

const matrixOf = ({ tenants, findings }: ReachabilityReport): ReadonlyArray<string> => {
  const reach = reachOf(findings)
  // The system account only where somebody reaches it.
  const columns = [...new Set([...tenants, "PLATFORM", ...reach.values().flatMap((row) => row.keys())])]
  const width = Math.max(...columns.map((name) => name.length)) + 2
  const row = (name: string, cells: ReadonlyArray<string>) =>
    [name, ...cells]
      .map((text) => text.padEnd(width))
      .join("")
      .trimEnd()
  return [
    row("from \\ to", columns),
    ...tenants.map((from) =>
      row(
        from,
        columns.map((to) => (from === to ? "=" : cell(reach.get(from)?.get(to))))
      )
    ),
    "",
    "P publishes to, R reads from, · neither, = itself"
  ]
}

/** For people: the matrix, a line for each finding, and the verdict as the last line. */
export const renderReport = (report: ReachabilityReport): string => {
  const { tenants, findings } = report
  const leaks = findings.filter(({ severity }) => severity === "leak").length
  const lines = findings.map(
    ({ severity, kind, from, to, path }) =>
      `${severity.padEnd(7)} ${kind}: ${from}${to === "" ? "" : ` → ${to}`}: ${path}`
  )
  return [
    ...(tenants.length <= MATRIX_MAX ? [...matrixOf(report), ""] : []),
    ...lines,
    `${tenants.length} tenants, ${leaks} leaks, ${findings.length - leaks} warnings`
  ].join("\n")
}
