/**
 * A file with settings, for who would rather keep them there than in the environment: a JSON object whose keys are the
 * settings' names. The environment wins.
 */
import { readFileSync } from "node:fs"
import { type Config, ConfigProvider, Effect, Layer, Schema } from "effect"
import type { Setting } from "./Setting.ts"
import { type SettingGroup, settingsIn } from "./SettingGroup.ts"

/** The file with settings cannot be used. */
export class SettingsFileInvalid extends Schema.TaggedError<SettingsFileInvalid>(
  "@bulkhead/settings/SettingsFileInvalid"
)("SettingsFileInvalid", { variable: Schema.String, path: Schema.String, problem: Schema.String }) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.variable}="${this.path}": ${this.problem}. Correct the file and start again`
  }
}

const Values = Schema.fromJsonString(
  Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Number, Schema.Boolean]))
)

const codeOf = (cause: unknown): string => (cause instanceof Error && "code" in cause ? String(cause.code) : "unknown")

/** `EDGE_` of `EDGE_CONFIG_FILE`: what begins so is the program's own. */
const prefixOf = (variable: string): string => variable.slice(0, variable.indexOf("_") + 1)

const readFile = Effect.fnUntraced(function* (variable: string, path: string, group: SettingGroup) {
  const invalid = (problem: string) => new SettingsFileInvalid({ variable, path, problem })
  const content = yield* Effect.try({
    try: () => readFileSync(path, "utf8"),
    catch: (cause) => invalid(`cannot be read (${codeOf(cause)})`)
  })
  const values = yield* Schema.decodeUnknownEffect(Values)(content).pipe(
    // The parser's own words would quote the file, and with it its secrets.
    Effect.mapError(() => invalid("is no JSON object of texts, numbers and booleans"))
  )
  const settings = settingsIn(group)
  const known = new Set(settings.map(({ description }) => description.name))
  const unknown = Object.keys(values).filter((name) => name.startsWith(prefixOf(variable)) && !known.has(name))
  if (unknown.length > 0) return yield* invalid(`there is no setting ${unknown.join(", ")}`)
  const provider = ConfigProvider.fromEnvRecord(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
  )
  for (const { config, description } of settings.filter(({ description }) => description.name in values)) {
    // Its name is enough of a path.
    const reason = ({ cause }: Config.ConfigError) => cause.message.replace(/\s+at \[.*$/s, "")
    yield* config.parse(provider).pipe(Effect.mapError((error) => invalid(`${description.name}: ${reason(error)}`)))
  }
  return provider
})

/**
 * Puts the settings of the file that `file` names behind those of the environment; nothing where it is not set. Of the
 * names with its own first word, `EDGE_…`, only those of `group` are taken; others belong to packages.
 */
export const layerSettingsFile = (
  file: Setting<string | undefined>,
  group: SettingGroup
): Layer.Layer<never, Config.ConfigError | SettingsFileInvalid> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const path = yield* file.config
      if (path === undefined) return Layer.empty
      return ConfigProvider.layerAdd(yield* readFile(file.description.name, path, group))
    })
  )
