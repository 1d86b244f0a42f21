/**
 * pino as Effect's logger: one line a message, with the service, the annotations (the tenant among them), the span, and
 * the error with its causes; without secrets.
 */
import { Cause, Config, Effect, Layer, Logger, type LogLevel, References, Schema } from "effect"
import { pino } from "pino"
import pretty from "pino-pretty"
import { redact, redactText } from "./redact.ts"

const levels: Record<LogLevel.LogLevel, pino.Level | undefined> = {
  All: "trace",
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
  None: undefined
}

const effectLevels: Record<string, LogLevel.LogLevel> = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  fatal: "Fatal"
}

/** Effect's messages are one value or several: texts become the message, objects become fields, an error is `err`. */
const addMessage = (message: unknown, fields: Record<string, unknown>): string => {
  const texts: Array<string> = []
  for (const part of Array.isArray(message) ? message : [message]) {
    if (part instanceof Error) fields.err = redact(part)
    else if (part !== null && typeof part === "object" && !Cause.isCause(part)) Object.assign(fields, redact(part))
    else if (!Cause.isCause(part)) texts.push(redactText(String(part)))
  }
  return texts.join(" ")
}

/** Effect's logger over a pino instance. */
export const pinoLogger = (target: pino.Logger): Logger.Logger<unknown, void> =>
  Logger.make(({ message, logLevel, cause, fiber }) => {
    const level = levels[logLevel]
    if (level === undefined || !target.isLevelEnabled(level)) return
    const fields = redact({ ...fiber.getRef(References.CurrentLogAnnotations) }) as Record<string, unknown>
    const span = fiber.cache.span
    if (span !== undefined) Object.assign(fields, { traceId: span.traceId, spanId: span.spanId })
    if (cause.reasons.length > 0) fields.err = redact(Cause.squash(cause))
    target[level](fields, addMessage(message, fields))
  })

/**
 * | variable | default | meaning |
 * |---|---|---|
 * | `LOG_LEVEL` | `info` | trace, debug, info, warn, error or fatal |
 * | `LOG_FORMAT` | `json` | `json` for machines, `pretty` for people |
 */
const config = Config.all({
  level: Config.schema(Schema.Literals(["trace", "debug", "info", "warn", "error", "fatal"]), "LOG_LEVEL").pipe(
    Config.withDefault("info" as const)
  ),
  format: Config.schema(Schema.Literals(["json", "pretty"]), "LOG_FORMAT").pipe(Config.withDefault("json" as const))
})

/** Logs to standard output as the environment says. */
export const loggerLayer = (service: string): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.map(config, ({ level, format }) => {
      const options = { level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime }
      const target =
        format === "json"
          ? pino(options)
          : pino(options, pretty({ colorize: true, sync: true, ignore: "pid,hostname" }))
      return Layer.mergeAll(
        Logger.layer([pinoLogger(target)]),
        Layer.succeed(References.MinimumLogLevel, effectLevels[level] ?? "Info")
      )
    })
  )
