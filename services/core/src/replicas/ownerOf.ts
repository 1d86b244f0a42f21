/**
 * Rendezvous hashing: every replica computes the same owner of a name from the same members, without asking anybody.
 * A member that comes takes its share of each of the others, and one that goes leaves its share to all of them; no name
 * moves between two that stay.
 */

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

const fnv1a = (text: string, seed: number): number => {
  let hash = seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME)
  return hash
}

/** The finaliser of MurmurHash3: without it names that differ in their last letter would have neighbours for weights. */
const mix = (hash: number): number => {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) >>> 0
}

/** The id of the member that is to run `name`; undefined without members. */
export const ownerOf = (name: string, members: ReadonlyArray<{ readonly id: string }>): string | undefined => {
  let owner: string | undefined
  let heaviest = -1
  for (const { id } of members) {
    const weight = mix(fnv1a(name, fnv1a(id, FNV_OFFSET)))
    // Equal weights are one in four thousand million; then the order of ids decides.
    if (weight < heaviest || (weight === heaviest && owner !== undefined && id > owner)) continue
    owner = id
    heaviest = weight
  }
  return owner
}
