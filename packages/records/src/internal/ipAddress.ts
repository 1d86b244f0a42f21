/**
 * An address of 4 or 16 bytes as text, IPv6 as RFC 5952 writes it.
 */

export const ipAddress = (bytes: Uint8Array): string | undefined => {
  if (bytes.byteLength === 4) return bytes.join(".")
  return bytes.byteLength === 16 ? ipv6(bytes) : undefined
}

const GROUPS = 8

const ipv6 = (bytes: Uint8Array): string => {
  const groups = Array.from(
    { length: GROUPS },
    (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0)
  )
  const { start, length } = longestZeros(groups)
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":")
  // One zero alone is not shortened.
  return length < 2 ? text(0, GROUPS) : `${text(0, start)}::${text(start + length, GROUPS)}`
}

const longestZeros = (groups: ReadonlyArray<number>) => {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best
}
