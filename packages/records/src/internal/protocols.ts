/**
 * IP protocols that flows name, by number and by name.
 */

const NAMES: ReadonlyMap<number, string> = new Map([
  [1, "icmp"],
  [2, "igmp"],
  [4, "ipip"],
  [6, "tcp"],
  [17, "udp"],
  [41, "ipv6"],
  [47, "gre"],
  [50, "esp"],
  [51, "ah"],
  [58, "ipv6-icmp"],
  [89, "ospf"],
  [103, "pim"],
  [112, "vrrp"],
  [132, "sctp"]
])

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...[...NAMES].map(([number, name]) => [name, number] as const),
  ["icmpv6", 58],
  ["icmp6", 58]
])

/** In lower case; null for a rare one. */
export const protocolName = (number: number): string | null => NAMES.get(number) ?? null

export const protocolNumber = (name: string): number | undefined => NUMBERS.get(name.toLowerCase())
