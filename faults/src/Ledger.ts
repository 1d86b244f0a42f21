/**
 * What one tenant has published: for each event, by its number, where its stream keeps it. The number stands in the
 * event's id, so that a row says by itself whose it is and which.
 */

/** Why a message must end among the dead letters, and what it consists of. */
export interface Poison {
  readonly reason: string
  readonly payload: Uint8Array
}

/** The event that its stream took last. */
export interface Newest {
  readonly id: string
  readonly sequence: number
}

const ID = /^f0000000-0000-4000-8([0-9a-f]{3})-([0-9a-f]{12})$/

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

/** Reads an id; undefined where it is none of ours. */
export const parseEventId = (id: string): { readonly tenant: number; readonly number: number } | undefined => {
  const match = ID.exec(id)
  if (match === null) return undefined
  return { tenant: Number.parseInt(match[1] ?? "", 16), number: Number.parseInt(match[2] ?? "", 16) }
}

export class Ledger {
  readonly slug: string
  /** The tenant's place among the tenants of the run; it stands in the events' ids. */
  readonly tenant: number
  /** Sequences in the stream, by number; 0 while there is no acknowledgement. */
  readonly sequences: Array<number> = []
  readonly poison = new Map<number, Poison>()
  /** The newest ordinary event. */
  newest: Newest | undefined

  constructor(slug: string, tenant: number) {
    this.slug = slug
    this.tenant = tenant
  }

  idOf(number: number): string {
    return `f0000000-0000-4000-8${hex(this.tenant, 3)}-${hex(number, 12)}`
  }

  /** Takes a number for the next event. */
  open(): number {
    return this.sequences.push(0) - 1
  }

  /** `isOrdinary`: it becomes a row in the table's usual place. */
  acknowledge(number: number, sequence: number, isOrdinary: boolean): void {
    this.sequences[number] = sequence
    if (!isOrdinary || sequence < (this.newest?.sequence ?? 0)) return
    this.newest = { id: this.idOf(number), sequence }
  }

  get acknowledged(): number {
    return this.sequences.reduce((count, sequence) => (sequence > 0 ? count + 1 : count), 0)
  }
}
