/**
 * Where a copied message comes from. The server writes it into the copy: `Nats-Stream-Source: <stream> <sequence> …`;
 * servers before 2.10 wrote the acknowledgement subject of the delivery instead.
 */
export interface Origin {
  readonly stream: string
  readonly sequence: number
}

/** Undefined for a message that was published into the stream itself. */
export const parseOrigin = (header: string | undefined): Origin | undefined => {
  if (header === undefined || header === "") return undefined
  const [stream = "", sequence] = header.split(" ")
  const parsed = { stream, sequence: Number(sequence) }
  return Number.isSafeInteger(parsed.sequence) && parsed.sequence > 0 ? parsed : undefined
}
