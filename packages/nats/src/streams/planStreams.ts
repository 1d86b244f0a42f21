/**
 * The one place that says which streams there shall be: a pure function of tenants, layout and prefix mode. Core makes
 * what it says tenant by tenant; the reconciler compares all of it with the server.
 */
import {
  DEFAULT_TENANT,
  type PrefixMode,
  patternsForAllTenants,
  patternsForTenant,
  ROOTS,
  SHARED_STREAM_NAME,
  streamName,
  type TenantSlug
} from "@bulkhead/channels"
import type { PlannedStream, StreamLayout, StreamPlan } from "./StreamPlan.ts"
import { consumerOfAll, consumerOfTenant, type StreamReader } from "./StreamReader.ts"
import type { StreamSettings } from "./StreamSettings.ts"

/** A tenant, and what its stream may hold, where it has one. */
export interface TenantToPlan {
  readonly slug: TenantSlug
  readonly settings: StreamSettings
}

/**
 * How the shared stream names its subjects. `listed`: each tenant. `wildcard`: `*.events.>` and so on, which takes
 * tenants that are still to come, but only few servers accept it: see `takesWildcards`.
 */
export type SharedSubjects = "listed" | "wildcard"

export interface PlanOptions {
  readonly mode: PrefixMode
  /** Of the stream that all tenants share. */
  readonly shared: StreamSettings
  /** `listed` when absent. */
  readonly sharedSubjects?: SharedSubjects
  readonly readers?: ReadonlyArray<StreamReader>
  /** Streams of the platform itself. */
  readonly others?: ReadonlyArray<PlannedStream>
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1)

const sorted = (tenants: Iterable<TenantSlug>): ReadonlyArray<TenantSlug> => [...new Set(tenants)].sort()

/**
 * The stream of one tenant. Undefined when the tenant has no subject in this mode: a customer in mode `legacy`, whose
 * messages are in the stream of `default`.
 *
 * @stability stable
 */
export const planTenantStream = (wanted: {
  readonly tenant: TenantSlug
  readonly mode: PrefixMode
  readonly settings: StreamSettings
  readonly readers?: ReadonlyArray<StreamReader>
}): PlannedStream | undefined => {
  const { tenant, mode, readers = [] } = wanted
  const subjects = ROOTS.flatMap((root) => patternsForTenant(tenant, `${root}.>`, mode))
  if (subjects.length === 0) return undefined
  const name = streamName(tenant)
  const consumers = readers
    .filter(({ ownStreams }) => ownStreams)
    .flatMap((reader) => consumerOfTenant(reader, name, tenant, mode))
  return { ...wanted.settings, name, tenant, subjects, allowAtomic: true, consumers }
}

/** Where a tenant's prefixed messages are in the shared stream. */
export const sharedStreamSubject = (tenant: TenantSlug): string => `${tenant}.>`

/**
 * Listed, each tenant is there once and not by root, because the server compares each subject with each other whenever
 * the list changes (docs/adr/0014).
 */
const prefixedSubjects = (tenants: ReadonlyArray<TenantSlug>, subjects: SharedSubjects): ReadonlyArray<string> =>
  subjects === "listed"
    ? tenants.map(sharedStreamSubject)
    : ROOTS.flatMap((root) => patternsForAllTenants(`${root}.>`, "prefixed"))

/**
 * The one stream of all tenants. Without a prefix come the subjects of `default`. In mode `both` tenants are always
 * listed: `*.events.>` and `logs.>` overlap (`logs.events.x`), which no server takes.
 *
 * @stability stable
 */
export const planSharedStream = (wanted: {
  readonly tenants: ReadonlyArray<TenantSlug>
  readonly mode: PrefixMode
  readonly settings: StreamSettings
  readonly subjects?: SharedSubjects
  readonly readers?: ReadonlyArray<StreamReader>
}): PlannedStream => {
  const { mode, readers = [] } = wanted
  const tenants = sorted(wanted.tenants)
  const prefixed =
    mode === "legacy" ? [] : prefixedSubjects(tenants, mode === "both" ? "listed" : (wanted.subjects ?? "listed"))
  const unprefixed = ROOTS.flatMap((root) =>
    mode === "prefixed" ? [] : patternsForTenant(DEFAULT_TENANT, `${root}.>`, "legacy")
  )
  const consumers = readers.flatMap((reader) => {
    if (reader.sharedStream === "one") return [consumerOfAll(reader, mode)]
    if (reader.sharedStream === "none") return []
    return tenants.flatMap((tenant) => consumerOfTenant(reader, SHARED_STREAM_NAME, tenant, mode))
  })
  const subjects = [...prefixed, ...unprefixed]
  return { ...wanted.settings, name: SHARED_STREAM_NAME, subjects, allowAtomic: true, consumers }
}

/**
 * Every stream there shall be. It depends on who the tenants are, and neither on their order nor on their number of
 * mentions.
 *
 * @stability stable
 */
export const planStreams = (
  layout: StreamLayout,
  tenants: ReadonlyArray<TenantToPlan>,
  options: PlanOptions
): StreamPlan => {
  const { mode, readers = [], others = [] } = options
  const bySlug = new Map(tenants.map((tenant) => [tenant.slug, tenant]))
  const slugs = sorted(bySlug.keys())
  const ofTenants =
    layout === "shared"
      ? [
          planSharedStream({
            tenants: slugs,
            mode,
            settings: options.shared,
            subjects: options.sharedSubjects ?? "listed",
            readers
          })
        ]
      : [...bySlug.values()].flatMap(
          ({ slug, settings }) => planTenantStream({ tenant: slug, mode, settings, readers }) ?? []
        )
  return { layout, mode, tenants: slugs, streams: [...ofTenants, ...others].sort(byName) }
}
