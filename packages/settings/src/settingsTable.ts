/**
 * Settings as a table in Markdown, and the place of such a table in a document that people write around it.
 */
import type { SettingDescription } from "./Setting.ts"

/** `|` would end a cell. */
const cell = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|")

const fallbackOf = ({ fallback, isRequired }: SettingDescription): string => {
  if (isRequired) return "required"
  return fallback === undefined ? "—" : `\`${fallback}\``
}

/** A table with a row for each setting. */
export const settingsTable = (settings: ReadonlyArray<SettingDescription>): string =>
  [
    "| setting | value | default | meaning |",
    "|---|---|---|---|",
    ...settings.map((setting) => {
      const cells = [`\`${setting.name}\``, setting.kind, fallbackOf(setting), setting.meaning]
      return `| ${cells.map(cell).join(" | ")} |`
    })
  ].join("\n")

const BEGIN = "<!-- Settings: written by `npm run generate`. -->"
const END = "<!-- /Settings -->"

/** The document with the table of `settings` between its two marks. Throws where it has none. */
export const withSettingsTable = (document: string, settings: ReadonlyArray<SettingDescription>): string => {
  const begin = document.indexOf(BEGIN)
  const end = document.indexOf(END)
  if (begin === -1 || end < begin) {
    throw new Error(`The document has no place for its settings: add the lines ${BEGIN} and ${END}`)
  }
  return `${document.slice(0, begin)}${BEGIN}\n${settingsTable(settings)}\n${document.slice(end)}`
}
