/**
 * pino as Effect's logger: one line a message, with the service, the annotations (the tenant among them), the span, and
 * the error with its causes; without secrets.
 */
import { readSettings, Setting } from "@bulkhead/settings"
import { Cause, type Config, Effect, Layer, Logger, type LogLevel, References } from "effect"
import { pino } from "pino"
import pretty from "pino-pretty"
import { redact } from "./redact.ts"

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

/** Names that the line itself has. */
const LINE_NAMES: ReadonlySet<string> = new Set(["level", "time", "service", "msg"])

/** Adds what a logged object holds. A name that the line has already gets an underscore there, so that it forges nothing. */
const addFields = (fields: Record<string, unknown>, added: object): void => {
  for (const [name, value] of Object.entries(added)) {
    const isTaken = LINE_NAMES.has(name) || Object.hasOwn(fields, name)
    fields[isTaken ? `${name}_` : name] = value
  }
}

const isRecord = (value: unknown): value is object =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Date)

/** Effect's messages are one value or several: texts become the message, objects become fields, an error is `err`. */
const addMessage = (message: unknown, fields: Record<string, unknown>): string => {
  const texts: Array<string> = []
  for (const part of Array.isArray(message) ? message : [message]) {
    if (Cause.isCause(part)) continue
    const clean = redact(part)
    if (part instanceof Error) fields.err = clean
    else if (isRecord(clean)) addFields(fields, clean)
    else texts.push(typeof clean === "object" ? JSON.stringify(clean) : String(clean))
  }
  return texts.join(" ")
}

/** Effect's logger over a pino instance. */
export const pinoLogger = (target: pino.Logger): Logger.Logger<unknown, void> => {
  // pino would describe an error a second time, and call each one "Object".
  const lines = target.child({}, { serializers: { err: (clean: unknown) => clean } })
  return Logger.make(({ message, logLevel, cause, fiber }) => {
    const level = levels[logLevel]
    if (level === undefined || !lines.isLevelEnabled(level)) return
    const span = fiber.cache.span
    const fields: Record<string, unknown> = span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }
    addFields(fields, redact({ ...fiber.getRef(References.CurrentLogAnnotations) }) as object)
    if (cause.reasons.length > 0) fields.err = redact(Cause.squash(cause))
    lines[level](fields, addMessage(message, fields))
  })
}

export const logSettings = {
  level: Setting.choice(
    "LOG_LEVEL",
    ["trace", "debug", "info", "warn", "error", "fatal"],
    "what is less than this is not logged"
  ).or("info"),
  format: Setting.choice("LOG_FORMAT", ["json", "pretty"], "`json` for machines, `pretty` for people").or("json")
}

/** Logs to standard output as the environment says. */
export const loggerLayer = (service: string): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.map(readSettings(logSettings), ({ level, format }) => {
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
