/**
 * What is known of addresses. Few addresses are in most flows, so each is looked up once in a while.
 */
import type { Place, PlaceOf } from "./GeoDatabases.ts"
import type { LocalNetworks } from "./LocalNetworks.ts"

/** About 10 MB. */
const ADDRESSES_MAX = 50_000

export interface AddressFacts extends Place {
  readonly isPrivate: boolean
}

const NOWHERE: Place = { country: undefined, asNumber: undefined, asName: undefined }

export class AddressBook {
  readonly #networks: LocalNetworks
  readonly #known = new Map<string, AddressFacts>()
  /** Asked for public addresses. */
  placeOf: PlaceOf = () => NOWHERE

  constructor(networks: LocalNetworks) {
    this.#networks = networks
  }

  /** `address` is a valid one. */
  factsOf(address: string): AddressFacts {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    const isPrivate = this.#networks.has(address)
    const facts = { isPrivate, ...(isPrivate ? NOWHERE : this.placeOf(address)) }
    if (this.#known.size >= ADDRESSES_MAX) this.#known.clear()
    this.#known.set(address, facts)
    return facts
  }

  /** The databases have changed. */
  forget(): void {
    this.#known.clear()
  }
}
