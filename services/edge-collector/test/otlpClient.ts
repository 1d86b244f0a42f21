/** Clients of OTLP, as exporters are. */
import { readFileSync } from "node:fs"
import { request as requestPlain } from "node:http"
import { request as requestTls } from "node:https"
import { credentials, Metadata, makeGenericClientConstructor, type ServiceError, status } from "@grpc/grpc-js"
import { Effect } from "effect"

/** Paths of PEM files: the server's certificate, and the client's own where it has one. */
export interface ClientTls {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

interface Options {
  readonly tls?: ClientTls
  readonly authorization?: string
}

const pemOf = ({ ca, cert, key }: ClientTls) => ({
  ca: readFileSync(ca),
  ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
  ...(key === undefined ? {} : { key: readFileSync(key) })
})

/** A request whose body is still to be written. */
export const beginPost = (
  port: number,
  path: string,
  headers: Record<string, string>,
  { tls, authorization }: Options
) =>
  (tls === undefined ? requestPlain : requestTls)({
    host: "127.0.0.1",
    port,
    path,
    method: "POST",
    headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
    agent: false,
    ...(tls === undefined ? {} : pemOf(tls))
  })

/** Fails where there is no answer. */
export const post = (
  port: number,
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string>,
  options: Options = {}
) =>
  Effect.tryPromise(
    () =>
      new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | Array<string>>; text: string }>(
        (resolve, reject) => {
          const request = beginPost(port, path, headers, options)
          request.on("error", reject)
          request.on("response", async (response) => {
            const { statusCode: status, headers } = response
            resolve({ status, headers, text: Buffer.concat(await response.toArray()).toString() })
          })
          request.end(body)
        }
      )
  )

const asBytes = (value: Buffer) => value
const codec = {
  requestSerialize: asBytes,
  requestDeserialize: asBytes,
  responseSerialize: asBytes,
  responseDeserialize: asBytes
}

const pathOf = (service: string) =>
  `/opentelemetry.proto.collector.${service.toLowerCase()}.v1.${service}Service/Export`

/** Calls Export: gives the response, or the error with its code and trailers. */
export const call = (port: number, service: string, request: Uint8Array, { tls, authorization }: Options = {}) =>
  Effect.callback<Buffer | ServiceError>((resume) => {
    const definition = { export: { path: pathOf(service), requestStream: false, responseStream: false, ...codec } }
    const Client = makeGenericClientConstructor(definition, "x")
    const pem = tls === undefined ? undefined : pemOf(tls)
    const channel =
      pem === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(pem.ca, pem.key ?? null, pem.cert ?? null)
    const metadata = new Metadata()
    if (authorization !== undefined) metadata.set("authorization", authorization)
    const client = new Client(`localhost:${port}`, channel)
    client.export?.(Buffer.from(request), metadata, (error: ServiceError | null, response: Buffer) => {
      client.close()
      resume(Effect.succeed(error ?? response))
    })
  })

/** Calls Export and sends no request: gives the code with which that ends. */
export const beginCall = (port: number, service: string) =>
  Effect.callback<number>((resume) => {
    const definition = { export: { path: pathOf(service), requestStream: true, responseStream: false, ...codec } }
    const client = new (makeGenericClientConstructor(definition, "x"))(
      `localhost:${port}`,
      credentials.createInsecure()
    )
    client.export?.((error: ServiceError | null) => {
      client.close()
      resume(Effect.succeed(error?.code ?? status.OK))
    })
  })

/** The code of a call that failed. */
export const codeOf = (answer: Buffer | ServiceError): number | undefined =>
  "code" in answer ? answer.code : undefined
