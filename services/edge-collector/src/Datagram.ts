/**
 * Reads a datagram from front to back, big endian. Reading past the end throws `Malformed`.
 */

/** A datagram is not what its sender says it is. */
export class Malformed extends Error {
  override readonly name = "Malformed"
}

export class Datagram {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at
  }

  take(count: number): Buffer {
    if (count > this.left)
      throw new Malformed(`${count} bytes are wanted at byte ${this.#at}, and ${this.left} are left`)
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  /** A part that is read on its own. */
  part(count: number): Datagram {
    return new Datagram(this.take(count))
  }

  uint8(): number {
    return this.take(1).readUInt8()
  }

  uint16(): number {
    return this.take(2).readUInt16BE()
  }

  uint32(): number {
    return this.take(4).readUInt32BE()
  }
}

const UINT64_MAX = 2n ** 64n - 1n

/** An unsigned number of any width; what 64 bits cannot hold is their largest. */
export const unsigned = (bytes: Uint8Array): bigint => {
  if (bytes.byteLength === 0) return 0n
  const value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`)
  return value > UINT64_MAX ? UINT64_MAX : value
}
