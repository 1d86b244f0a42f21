import { Layer } from "effect"
import { Claims } from "./Claims.ts"
import type { Database } from "./Database.ts"
import { DeadLetters } from "./DeadLetters.ts"
import { LaneStore } from "./LaneStore.ts"
import { Outbox } from "./Outbox.ts"
import { ReplayStore } from "./ReplayStore.ts"
import { Replicas } from "./Replicas.ts"
import { Retention } from "./Retention.ts"
import { RuleStore } from "./RuleStore.ts"
import { SharedLanes } from "./SharedLanes.ts"
import { SoleWriter } from "./SoleWriter.ts"
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
  | DeadLetters
  | ReplayStore
  | Retention
  | RuleStore
  | SharedLanes
  | SoleWriter
  | TenantStats
  | TenantSizes
  | Replicas
  | Claims
  | TenantRuns,
  never,
  Database
> = Layer.mergeAll(
  Layer.mergeAll(TenantSchemas.layer, ReplayStore.layer).pipe(Layer.provideMerge(TenantStore.layer)),
  Outbox.layer,
  LaneStore.layer,
  DeadLetters.layer,
  Retention.layer,
  RuleStore.layer,
  TenantStats.layer,
  TenantSizes.layer,
  SharedLanes.layer,
  SoleWriter.layer,
  Replicas.layer,
  Claims.layer,
  TenantRuns.layer
)
