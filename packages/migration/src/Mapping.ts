/**
 * The mapping file: which subjects belong to which tenant, and what becomes of each consumer. Whatever it does not name
 * belongs to `default`; a consumer it does not name stops the plan, because nobody but its owner knows who reads it.
 */
import { TenantSlug } from "@bulkhead/tenancy"
import { Effect, Schema } from "effect"
import { MigrationError, PlanRefused } from "./MigrationError.ts"

/** What becomes of a consumer: it goes along and keeps its place, or it stays and ends with the old stream. */
export const ConsumerFate = Schema.Literals(["move", "leave"])
export type ConsumerFate = typeof ConsumerFate.Type

export const Mapping = Schema.Struct({
  /** The streams to be moved; those that take a subject without prefix when absent. */
  streams: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Patterns of subjects without prefix, by the tenant that they belong to. */
  tenants: Schema.optionalKey(Schema.Record(TenantSlug, Schema.Array(Schema.NonEmptyString))),
  /** Fates by `<stream>/<consumer>`. */
  consumers: Schema.optionalKey(Schema.Record(Schema.NonEmptyString, ConsumerFate)),
  /** Fate of consumers without a lasting name: their readers make new ones by themselves. */
  ephemeral: Schema.optionalKey(Schema.Literals(["leave"])),
  /** Streams that copy from a moved one and are to stay as they are. */
  dependents: Schema.optionalKey(Schema.Record(Schema.NonEmptyString, Schema.Literals(["leave"])))
})
export type Mapping = typeof Mapping.Type

/** A mapping that says nothing: all subjects go to `default`. */
export const EMPTY_MAPPING: Mapping = {}

/** One pattern of the mapping. */
export interface MappedPattern {
  readonly tenant: TenantSlug
  readonly pattern: string
}

export const mappedPatterns = ({ tenants = {} }: Mapping): ReadonlyArray<MappedPattern> =>
  Object.entries(tenants).flatMap(([tenant, patterns]) =>
    patterns.map((pattern) => ({ tenant: tenant as TenantSlug, pattern }))
  )

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Mapping), {
  errors: "all",
  onExcessProperty: "error"
})

/**
 * Reads the text of a mapping file.
 *
 * **Fails**: `PlanRefused` with a line for each mistake.
 */
export const parseMapping = (text: string): Effect.Effect<Mapping, MigrationError> =>
  decode(text).pipe(
    Effect.mapError((error) => {
      const problems = [`the mapping file is not as it should be: ${error.message}`]
      return new MigrationError({ operation: "parseMapping", reason: new PlanRefused({ problems }) })
    })
  )
