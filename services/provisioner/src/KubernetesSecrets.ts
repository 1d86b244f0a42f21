/**
 * Secrets of one namespace, through Kubernetes' API: read whole, and written by server-side apply, which makes what is
 * missing and changes what is there in one request.
 */
import { readFileSync } from "node:fs"
import { Effect, Schedule } from "effect"
import { ProvisionError } from "./ProvisionError.ts"

export interface KubernetesSecretsOptions {
  /** `https://host:443` */
  readonly apiServer: string
  readonly namespace: string
  /** The service account's token, read at each request. */
  readonly tokenFile: string
}

const TIMEOUT_MS = 10_000
const FIELD_MANAGER = "bulkhead-provisioner"
const AGAIN = { schedule: Schedule.spaced("2 seconds"), times: 5 }

/** File name → its text. */
type Files = Readonly<Record<string, string>>

/** Answers that another try may change. */
const isPassing = (status: number): boolean => status === 429 || status >= 500

export class KubernetesSecrets {
  readonly #options: KubernetesSecretsOptions

  constructor(options: KubernetesSecretsOptions) {
    this.#options = options
  }

  /** The files of a Secret; none where it does not exist. */
  read(name: string): Effect.Effect<Files, ProvisionError> {
    return Effect.flatMap(this.#ask("GET", name), ({ status, text }) => {
      if (status === 404) return Effect.succeed({})
      if (status !== 200) return this.#refused("read", name, status)
      const { data = {} } = JSON.parse(text) as { readonly data?: Files }
      return Effect.succeed(
        Object.fromEntries(
          Object.entries(data).map(([file, base64]) => [file, Buffer.from(base64, "base64").toString()])
        )
      )
    })
  }

  /** Makes the Secret, or gives it these files. */
  write(name: string, files: Files): Effect.Effect<void, ProvisionError> {
    const data = Object.fromEntries(
      Object.entries(files).map(([file, text]) => [file, Buffer.from(text).toString("base64")])
    )
    const body = JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name }, type: "Opaque", data })
    return Effect.flatMap(this.#ask("PATCH", `${name}?fieldManager=${FIELD_MANAGER}&force=true`, body), ({ status }) =>
      status === 200 || status === 201 ? Effect.void : this.#refused("write", name, status)
    )
  }

  #refused(verb: string, name: string, status: number) {
    return Effect.fail(
      new ProvisionError({
        problem: `Kubernetes does not let this pod ${verb} the Secret "${name}" (HTTP ${status})`,
        nextStep: "Check the role of its service account"
      })
    )
  }

  #ask(method: string, path: string, body?: string) {
    const { apiServer, namespace, tokenFile } = this.#options
    return Effect.tryPromise({
      try: async () => {
        const response = await fetch(`${apiServer}/api/v1/namespaces/${namespace}/secrets/${path}`, {
          method,
          headers: {
            authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}`,
            "content-type": "application/apply-patch+yaml"
          },
          signal: AbortSignal.timeout(TIMEOUT_MS),
          ...(body === undefined ? {} : { body })
        })
        if (isPassing(response.status)) throw new Error(`HTTP ${response.status}`)
        return { status: response.status, text: await response.text() }
      },
      catch: (cause) =>
        new ProvisionError({
          problem: `Kubernetes at "${apiServer}" does not answer (${(cause as Error).message})`,
          nextStep: "Check that a network policy lets this pod reach the API server"
        })
    }).pipe(Effect.retry(AGAIN))
  }
}
