/**
 * Which addresses are a site's own: those that are never routed in the public network, multicast, and the networks that a
 * setting adds.
 */
import { BlockList, isIP } from "node:net"

/** RFC 6890, RFC 1918, RFC 6598, RFC 4193, RFC 4291. */
const NEVER_PUBLIC = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/4",
  "255.255.255.255/32",
  "::/127",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8"
]

const BITS = { 4: 32, 6: 128 } as const

interface Network {
  readonly address: string
  readonly length: number
  readonly family: "ipv4" | "ipv6"
}

/** `203.0.113.0/24` or `2001:db8::/32`; undefined where the text is none. */
const networkOf = (text: string): Network | undefined => {
  const [address = "", length = "", ...rest] = text.split("/")
  const family = isIP(address)
  if (family !== 4 && family !== 6) return undefined
  if (rest.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > BITS[family]) return undefined
  return { address, length: Number(length), family: family === 4 ? "ipv4" : "ipv6" }
}

export class LocalNetworks {
  readonly #list = new BlockList()

  private constructor(networks: ReadonlyArray<Network>) {
    for (const { address, length, family } of networks) this.#list.addSubnet(address, length, family)
  }

  /** Those that are never routed in public, and `own`; or the first text of `own` that is no network. */
  static of(own: ReadonlyArray<string>): LocalNetworks | { readonly noNetwork: string } {
    const networks: Array<Network> = []
    for (const text of [...NEVER_PUBLIC, ...own]) {
      const network = networkOf(text)
      if (network === undefined) return { noNetwork: text }
      networks.push(network)
    }
    return new LocalNetworks(networks)
  }

  has(address: string): boolean {
    return this.#list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6")
  }
}
