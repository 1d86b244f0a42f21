/**
 * A failure as one line for whoever starts the service: a setting with its value and what is expected of it, any other
 * error by its message; without secrets.
 */
import { Config, Schema, SchemaIssue } from "effect"
import { redact, redactText } from "./redact.ts"

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const settingText = (path: ReadonlyArray<PropertyKey>, expectation: string): string => {
  const name = path.map(String).join("_")
  const value = process.env[name]
  if (value === undefined) return `${name} is not set: ${expectation}. Set it and start again`
  const { [name]: shown } = redact({ [name]: value }) as Record<string, string>
  return `${name}="${shown}": ${expectation}. Correct it and start again`
}

const textOf = (error: unknown): string => {
  if (error instanceof Config.ConfigError && Schema.isSchemaError(error.cause)) {
    const { issues } = issuesOf(error.cause.issue)
    return issues.map(({ path, message }) => settingText(path as ReadonlyArray<PropertyKey>, message)).join("; ")
  }
  return error instanceof Error || error instanceof Config.ConfigError ? error.message : String(error)
}

/** The failure in one line. */
export const problemText = (error: unknown): string => redactText(textOf(error).replaceAll(/\s*\n\s*/g, " "))
