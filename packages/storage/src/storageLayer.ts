import { Layer } from "effect"
import { Claims } from "./Claims.ts"
import type { Database } from "./Database.ts"
import { LaneStore } from "./LaneStore.ts"
import { Outbox } from "./Outbox.ts"
import { Replicas } from "./Replicas.ts"
import { Retention } from "./Retention.ts"
import { TenantRuns } from "./TenantRuns.ts"
import { TenantSchemas } from "./TenantSchemas.ts"
import { TenantSizes } from "./TenantSizes.ts"
import { TenantStats } from "./TenantStats.ts"
import { TenantStore } from "./TenantStore.ts"

/** Every service of this package, over one `Database`. */
export const storageLayer: Layer.Layer<
  | TenantStore
  | Outbox
  | TenantSchemas
  | LaneStore
  | Retention
  | TenantStats
  | TenantSizes
  | Replicas
  | Claims
  | TenantRuns,
  never,
  Database
> = Layer.mergeAll(
  TenantSchemas.layer.pipe(Layer.provideMerge(TenantStore.layer)),
  Outbox.layer,
  LaneStore.layer,
  Retention.layer,
  TenantStats.layer,
  TenantSizes.layer,
  Replicas.layer,
  Claims.layer,
  TenantRuns.layer
)
