/**
 * Makes the columns that all records of a scope share, once a scope.
 */
import { DecodeError } from "../DecodeError.ts"
import type { InstrumentationScope } from "../generated/common.ts"
import type { Resource } from "../generated/resource.ts"
import type { OtlpOrigin } from "../OtlpOrigin.ts"
import { attributesJson, textAttribute } from "./anyValueJson.ts"

/** What a resource or a scope comes with. */
interface Described<Value> {
  readonly value: Value | undefined
  readonly schemaUrl: string
}

const detailsOf = (resource: Described<Resource>, scope: Described<InstrumentationScope>): string | null => {
  const details = {
    resource_schema_url: resource.schemaUrl || undefined,
    resource_dropped_attributes_count: resource.value?.droppedAttributesCount || undefined,
    entity_refs: resource.value?.entityRefs.length ? resource.value.entityRefs : undefined,
    scope_schema_url: scope.schemaUrl || undefined,
    scope_dropped_attributes_count: scope.value?.droppedAttributesCount || undefined
  }
  return Object.values(details).some((value) => value !== undefined) ? JSON.stringify(details) : null
}

export const otlpOrigin = (resource: Described<Resource>, scope: Described<InstrumentationScope>): OtlpOrigin => {
  const attributes = resource.value?.attributes ?? []
  return {
    service_name: textAttribute(attributes, "service.name"),
    service_version: textAttribute(attributes, "service.version"),
    service_instance: textAttribute(attributes, "service.instance.id"),
    scope_name: scope.value?.name || null,
    scope_version: scope.value?.version || null,
    scope_attributes: attributesJson(scope.value?.attributes ?? []),
    resource_attributes: attributesJson(attributes),
    otlp_details: detailsOf(resource, scope)
  }
}

/** What a request's rows may hold together of texts that they share. */
export const SHARED_CHARACTERS_MAX = 64 * 1024 * 1024

/**
 * Counts what rows repeat: half a megabyte of resource in front of a hundred thousand empty records is a small message
 * and fifty gigabytes of rows.
 */
export class SharedTexts {
  #characters = 0

  /** Takes note that `rows` rows have these texts each. */
  add(rows: number, texts: ReadonlyArray<string | null>): void {
    for (const text of texts) this.#characters += rows * (text?.length ?? 0)
    if (this.#characters <= SHARED_CHARACTERS_MAX) return
    throw new DecodeError(
      "too_large",
      "$",
      `its records repeat ${this.#characters} characters of their resource, scope or metric and may repeat ${SHARED_CHARACTERS_MAX}: send fewer records a request or smaller attributes`
    )
  }

  addOrigin(rows: number, origin: OtlpOrigin): void {
    this.add(rows, Object.values(origin))
  }
}
