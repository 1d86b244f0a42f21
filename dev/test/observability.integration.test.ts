import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { removePostgresFolder } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { parser } from "@prometheus-io/lezer-promql"
import { Effect } from "effect"
import { parse } from "yaml"
import { startPlatform } from "../src/Platform.ts"

const fileAt = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/observability/${name}`, import.meta.url)), "utf8")

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly action: string }
}

const rules = (
  parse(fileAt("alerts.yaml")) as { groups: ReadonlyArray<{ rules: ReadonlyArray<Rule> }> }
).groups.flatMap((group) => group.rules)

interface Panel {
  readonly title: string
  readonly targets: ReadonlyArray<{ readonly expr: string }>
}

const panels = (JSON.parse(fileAt("tenants.dashboard.json")) as { panels: ReadonlyArray<Panel> }).panels

/** What Grafana puts in place of its variables. */
const filledIn = (expr: string) => expr.replaceAll("$__rate_interval", "1m").replaceAll("$tenant", ".*")

const expressions: ReadonlyArray<readonly [where: string, expr: string]> = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, filledIn(expr)] as const))
]

/** The metrics that an expression names; throws where it is no PromQL. */
const metricsIn = (expr: string): ReadonlyArray<string> => {
  const names: Array<string> = []
  parser.parse(expr).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expr}`)
      if (type.name === "VectorSelector")
        names.push(
          expr
            .slice(from, to)
            .replace(/[{[].*$/s, "")
            .trim()
        )
    }
  })
  return names
}

/** The metrics of ours that a running service has, with or without series. */
const metricsOf = (url: string) =>
  Effect.promise(async () => {
    const text = await (await fetch(url)).text()
    return [...text.matchAll(/^# TYPE (bulkhead_\S+) /gm)].map(([, name]) => name ?? "")
  })

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-observability-test-"))),
  (folder) =>
    Effect.sync(() => {
      removePostgresFolder(join(folder, "postgres"))
      rmSync(folder, { recursive: true, force: true })
    })
)

describe("deploy/observability", () => {
  it("finds what an expression names, and refuses what is no PromQL", () => {
    assert.deepStrictEqual(metricsIn('sum by (a) (rate(x_total{b=~"c"}[5m])) / y > 0'), ["x_total", "y"])
    assert.throws(() => metricsIn("sum by ("), "no PromQL")
  })

  it("has rules that say how grave it is and what to do first", () => {
    assert.isAtLeast(rules.length, 10)
    for (const { alert, annotations, labels } of rules) {
      assert.include(["critical", "warning", "info"], labels.severity, alert)
      assert.isNotEmpty(annotations.summary, alert)
      assert.isNotEmpty(annotations.action, alert)
    }
  })

  it.live(
    "names metrics alone that a running service has",
    () =>
      Effect.gen(function* () {
        const platform = yield* startPlatform({
          folder: yield* temporaryFolder,
          reset: false,
          trafficPerSecond: 1,
          tls: false,
          layout: "shared",
          onProgress: () => undefined
        })
        const urls = Object.entries(platform.places).flatMap(([place, url]) =>
          place.startsWith("metrics of") ? [String(url)] : []
        )
        assert.isAtLeast(urls.length, 8)
        const present = new Set((yield* Effect.forEach(urls, metricsOf)).flat())
        for (const [where, expr] of expressions) {
          for (const metric of metricsIn(expr)) assert.isTrue(present.has(metric), `${where} names ${metric}`)
        }
      }),
    180_000
  )
})
