/**
 * The way to core, looked at from this machine, step by step: where it ends before core has answered.
 */
import { lookup } from "node:dns/promises"
import { connect } from "node:net"
import { connect as connectTls } from "node:tls"
import type { Finding } from "@bulkhead/core/api"
import * as Effect from "effect/Effect"
import type { CommandFailed } from "../../CommandFailed.ts"
import type { CurrentContext } from "../../contexts/currentContext.ts"
import { EXIT } from "../../ExitCode.ts"

/** The steps, in order; `core` is what core, or whoever answers in its place, said. */
export type WayStep = "dns" | "tcp" | "tls" | "token" | "core"

export interface WayFinding extends Finding {
  readonly check: WayStep
}

const STEP_TIMEOUT_MS = 5_000

interface Step {
  readonly check: WayStep
  readonly seen: string
  readonly nextStep: string
  readonly look: () => Promise<unknown>
}

const opened = (open: () => ReturnType<typeof connect>, event: "connect" | "secureConnect") =>
  new Promise<void>((resolve, reject) => {
    const socket = open().setTimeout(STEP_TIMEOUT_MS)
    const end = (finish: () => void) => () => {
      socket.destroy()
      finish()
    }
    socket.once(event, end(resolve))
    socket.on("error", reject)
    socket.once(
      "timeout",
      end(() => reject(new Error(`no answer within ${STEP_TIMEOUT_MS} ms`)))
    )
  })

/** `[::1]` of a URL is `::1` to sockets. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, "$1")

const stepsTo = (url: URL): ReadonlyArray<Step> => {
  const host = hostOf(url)
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80))
  const tls: Step = {
    check: "tls",
    seen: `"${host}:${port}" speaks TLS with a certificate that this machine trusts`,
    nextStep: "Check that the port speaks TLS; trust the installation's own authority with NODE_EXTRA_CA_CERTS",
    look: () => opened(() => connectTls({ host, port, servername: host }), "secureConnect")
  }
  return [
    {
      check: "dns",
      seen: `"${host}" has an address`,
      nextStep: "Check the host in the URL of the context, and this machine's DNS",
      look: () => lookup(host)
    },
    {
      check: "tcp",
      seen: `"${host}:${port}" takes connections`,
      nextStep: "Check that core runs, that it listens there (CORE_HTTP_HOST, CORE_HTTP_PORT), and firewalls between",
      look: () => opened(() => connect({ host, port }), "connect")
    },
    ...(url.protocol === "https:" ? [tls] : [])
  ]
}

const lookAt = ({ check, seen, nextStep, look }: Step): Effect.Effect<WayFinding> =>
  Effect.promise(() =>
    look().then(
      (): WayFinding => ({ check, outcome: "ok", seen }),
      (error: NodeJS.ErrnoException): WayFinding => ({
        check,
        outcome: "failed",
        seen: `not so: ${seen} (${error.code ?? error.message})`,
        nextStep
      })
    )
  )

/** What core's own answer, or its silence, adds to the steps that worked. */
const lastStep = ({ exit, problem, nextStep }: CommandFailed): WayFinding =>
  exit === EXIT.unauthorized
    ? {
        check: "token",
        outcome: "failed",
        seen: problem,
        nextStep: "Give the token of CORE_API_TOKEN: BULKHEAD_TOKEN_FILE, or bulkhead context add"
      }
    : { check: "core", outcome: "failed", seen: problem, nextStep: nextStep ?? "Look at core's log" }

/** The steps up to the one that failed. `failure` is why core could not be asked. */
export const lookAtWay = Effect.fnUntraced(function* ({ url }: CurrentContext, failure: CommandFailed) {
  const findings: Array<WayFinding> = []
  for (const step of stepsTo(new URL(url))) {
    const finding = yield* lookAt(step)
    findings.push(finding)
    if (finding.outcome === "failed") return findings
  }
  return [...findings, lastStep(failure)]
})
