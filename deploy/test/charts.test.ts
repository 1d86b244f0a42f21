import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeSettings } from "@bulkhead/settings"
import { describe, expect, it } from "vitest"
import { containerSettings } from "../src/helm/containerSettings.ts"
import { lint, type Manifest, render, type Values } from "../src/helm/render.ts"
import { findTools, KUBERNETES } from "../src/helm/tools.ts"

const { helm = "", validate } = findTools()
const hasHelm = helm !== ""
if (!hasHelm) console.error("charts: SKIPPED, there is no helm yet: npm run test:helm gets it")

const least = { nats: { url: "nats://nats:4222" }, secrets: { platform: "platform", signer: "signer" } }
const most = {
  ...least,
  nats: { url: "tls://nats:4222", tlsCaSecret: "nats-ca" },
  secrets: { ...least.secrets, admin: "admin" },
  postgres: { cloudNativePg: { enabled: true } },
  layout: "shared",
  core: { autoscaling: { enabled: true }, env: { CORE_RETENTION_DAYS: "90" } },
  eventWriter: { keda: { enabled: true, prometheusUrl: "http://prometheus:9090" } },
  netflow: { enabled: true },
  poller: { enabled: true, checksConfigMap: "checks", credentialsSecret: "poller" },
  monitoring: { enabled: true },
  tenants: [{ slug: "acme", name: "Acme", plan: "pro", limits: { eventsPerSecond: 500 } }]
}
const edge = {
  natsUrl: "tls://nats:4222",
  credentialsSecret: "acme",
  tlsCaSecret: "nats-ca",
  ports: { otlpHttp: 4318 },
  otlp: { tlsSecret: "collector-tls" }
}

const matrix: ReadonlyArray<readonly ["bulkhead" | "bulkhead-edge", string, Values]> = [
  ["bulkhead", "the least that must be given", least],
  ["bulkhead", "everything on", most],
  ["bulkhead-edge", "a collector", edge]
]

interface Container {
  readonly name: string
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value: string }>
  readonly securityContext: Record<string, unknown>
  readonly volumeMounts?: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>
}
interface Volume {
  readonly name: string
  readonly secret?: { readonly secretName: string; readonly items?: ReadonlyArray<{ readonly path: string }> }
}
interface Pod {
  readonly owner: string
  readonly spec: {
    readonly securityContext: Record<string, unknown>
    readonly initContainers?: ReadonlyArray<Container>
    readonly containers: ReadonlyArray<Container>
    readonly volumes: ReadonlyArray<Volume>
  }
}

const podsOf = (manifests: ReadonlyArray<Manifest>): ReadonlyArray<Pod> =>
  manifests.flatMap(({ kind, metadata, spec }) => {
    const template = kind === "CronJob" ? spec.jobTemplate.spec.template : spec?.template
    return template === undefined ? [] : [{ owner: `${kind} ${metadata.name}`, spec: template.spec }]
  })

const containersOf = ({ spec }: Pod): ReadonlyArray<Container> => [...(spec.initContainers ?? []), ...spec.containers]

/** Folders of the file system that the image itself has. */
const ofKubernetes = "/var/run/secrets/kubernetes.io/"

/** The file that a path leads to, where the volume says which files it has. */
const isMounted = (pod: Pod, { volumeMounts = [] }: Container, path: string): boolean =>
  volumeMounts.some(({ name, mountPath }) => {
    if (path !== mountPath && !path.startsWith(`${mountPath}/`)) return false
    const items = pod.spec.volumes.find((volume) => volume.name === name)?.secret?.items
    return items === undefined || items.some((item) => `${mountPath}/${item.path}` === path)
  })

describe.skipIf(!hasHelm)("charts", () => {
  describe.each(matrix)("%s with %s", (chart, _, values) => {
    const { problem, manifests, text } = hasHelm
      ? render(helm, chart, values)
      : { problem: undefined, manifests: [], text: "" }
    const pods = podsOf(manifests)
    const containers = pods.flatMap((pod) => containersOf(pod).map((container) => ({ pod, container })))

    it("renders, and helm lint has nothing to say", () => {
      expect(problem).toBeUndefined()
      expect(lint(helm, chart, values)).toBeUndefined()
      expect(pods.length).toBeGreaterThan(0)
    })

    it("gives every container each variable that its service requires, and none that it does not know", () => {
      for (const { pod, container } of containers) {
        const known = containerSettings[container.name]
        expect(known, `${pod.owner}: settings of ${container.name}`).toBeDefined()
        const described = describeSettings(known?.settings ?? {})
        const given = (container.env ?? []).map(({ name }) => name)
        const required = described.filter(({ isRequired }) => isRequired).map(({ name }) => name)
        expect(given, pod.owner).toEqual(expect.arrayContaining([...required, ...(known?.needs ?? [])]))
        const names = new Set([...described.map(({ name }) => name), "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS"])
        // Flags are read by their name, and each has a default.
        expect(given.filter((name) => !names.has(name) && !name.endsWith("_ENABLED"))).toEqual([])
      }
    })

    it("mounts every file that a variable names", () => {
      for (const { pod, container } of containers) {
        const paths = (container.env ?? []).filter(
          ({ name, value }) => value.startsWith("/") && !name.startsWith("BOOTSTRAP_RES")
        )
        for (const { name, value } of paths.filter((path) => !path.value.startsWith(ofKubernetes))) {
          expect(isMounted(pod, container, value), `${pod.owner} ${container.name}: ${name}=${value}`).toBe(true)
        }
      }
    })

    it("runs everything without root, without rights, on a read-only file system", () => {
      for (const { pod, container } of containers) {
        expect(pod.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65_532 })
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] }
        })
      }
    })

    it.skipIf(validate === undefined || process.env.BULKHEAD_CHARTS !== "all")(
      "is what Kubernetes' schemas allow",
      () => {
        const { stdout, stderr, status } = spawnSync(
          "python3",
          [
            join(validate ?? "", "bin", "kubernetes-validate"),
            "--strict",
            "--quiet",
            "--no-warn",
            "-k",
            KUBERNETES,
            "-"
          ],
          { input: text, encoding: "utf8", env: { ...process.env, PYTHONPATH: validate } }
        )
        expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" })
      }
    )
  })

  const rendered = hasHelm ? render(helm, "bulkhead", most).manifests : []
  const named = (kind: string, name: string) =>
    rendered.find((manifest) => manifest.kind === kind && manifest.metadata.name === `release-${name}`)

  it("gives the signer's secrets to the signer and to provisioning, and the database's administrator to the latter", () => {
    const owners = (secret: string) =>
      podsOf(rendered)
        .filter(({ spec }) => spec.volumes.some((volume) => volume.secret?.secretName === secret))
        .map(({ owner }) => owner)
    const provisioning = ["CronJob release-provisioning", "Job release-provisioning-1"]
    expect(owners("signer").sort()).toEqual([...provisioning, "Deployment release-account-signer"].sort())
    expect(owners("release-creds-signer-system")).toEqual(["Deployment release-account-signer"])
    expect(owners("admin").sort()).toEqual(provisioning)
  })

  it("lets nobody connect to the signer but for metrics, and lets it reach names, NATS and PostgreSQL alone", () => {
    const { ingress, egress } = named("NetworkPolicy", "account-signer")?.spec ?? {}
    expect(ingress).toHaveLength(1)
    expect(ingress[0].ports).toEqual([{ protocol: "TCP", port: 9090 }])
    expect(
      egress.flatMap(({ ports }: { ports: ReadonlyArray<{ port: number }> }) => ports.map(({ port }) => port))
    ).toEqual([53, 53, 4222, 5432])
  })

  it("lets provisioning change this release's Secrets and no others", () => {
    const [create, change] = named("Role", "provisioning")?.rules ?? []
    expect(create).toMatchObject({ resources: ["secrets"], verbs: ["create"] })
    expect(change.resourceNames).toContain("release-creds-core")
    expect(change.resourceNames.every((name: string) => name.startsWith("release-"))).toBe(true)
  })

  it("leaves the number of replicas to what scales, never runs two zen-consumers, and spreads and guards core", () => {
    expect(named("Deployment", "core")?.spec.replicas).toBeUndefined()
    expect(named("HorizontalPodAutoscaler", "core")?.spec.minReplicas).toBe(2)
    expect(named("Deployment", "db-event-writer")?.spec.replicas).toBeUndefined()
    expect(named("ScaledObject", "db-event-writer")?.spec.triggers[0].metadata.threshold).toBe("30")
    expect(named("Deployment", "zen-consumer")?.spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } })
    expect(named("PodDisruptionBudget", "core")?.spec.maxUnavailable).toBe(1)
    expect(named("Deployment", "core")?.spec.template.spec.topologySpreadConstraints).toHaveLength(2)
  })

  it("has the alerts that deploy/observability has", () => {
    const read = (path: string) => readFileSync(join(import.meta.dirname, "..", path), "utf8")
    expect(read("helm/bulkhead/alerts.yaml")).toBe(read("observability/alerts.yaml"))
    expect(rendered.find(({ kind }) => kind === "PrometheusRule")?.spec.groups.length).toBeGreaterThan(0)
  })

  it.each([
    ["bulkhead", { ...least, nats: {} }, /nats.*url/s],
    ["bulkhead", { ...least, secrets: { platform: "platform" } }, /signer/],
    ["bulkhead", { ...least, layouts: "shared" }, /layouts/],
    ["bulkhead", { ...least, tenants: [{ slug: "Acme_1", name: "Acme", plan: "gold" }] }, /slug.*plan|plan.*slug/s],
    ["bulkhead", { ...least, poller: { enabled: true } }, /poller.checksConfigMap/],
    ["bulkhead-edge", { ...edge, ports: { syslogUdp: 514 } }, /syslogUdp/],
    ["bulkhead-edge", { natsUrl: "tls://nats:4222" }, /credentialsSecret/],
    ["bulkhead-edge", { ...edge, otlp: {} }, /otlp.tlsSecret, or otlp.acceptAny/]
  ] as const)("%s refuses %j", (chart, values, reason) => {
    expect(render(helm, chart, values).problem).toMatch(reason)
  })
})
