/**
 * The process in which the engine runs: it has no connection, no secret and little memory, and whoever asked ends it
 * when it takes too long.
 */
import { overrideConfig, type ZenDecision, ZenEngine } from "@gorules/zen-engine"
import { decide, type ReadyRule } from "./decide.ts"
import { FUNCTION_TIMEOUT_MS } from "./limits.ts"
import type { EngineAnswer, EngineRule, EngineTask } from "./protocol.ts"

overrideConfig({ functionTimeoutMillis: FUNCTION_TIMEOUT_MS, httpAuth: false })

const engine = new ZenEngine({ httpHandler: () => Promise.reject(new Error("a rule may not use the network")) })

/** By key; a rule that cannot be compiled is its reason. */
const compiled = new Map<string, ZenDecision | string>()

const compile = (content: string): ZenDecision | string => {
  try {
    return engine.createDecision(JSON.parse(content))
  } catch (error) {
    return `it cannot be compiled: ${error instanceof Error ? error.message : String(error)}`
  }
}

const ready = ({ key, rule, revision, result, content }: EngineRule): ReadyRule => {
  if (content !== undefined) compiled.set(key, compile(content))
  return { rule, revision, result, decision: compiled.get(key) ?? "it was forgotten" }
}

const send = (answer: EngineAnswer) => process.send?.(answer)

process.on("message", async ({ forget, rules, messages }: EngineTask) => {
  if (forget) compiled.clear()
  const steps = rules.map(ready)
  send(await Promise.all(messages.map((data) => decide(steps, data))))
})

process.on("disconnect", () => process.exit())

send("ready")
