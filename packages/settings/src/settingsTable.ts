/**
 * Settings as a table in Markdown, and the place of such a table in a document that people write around it.
 */
import type { SettingDescription } from "./Setting.ts"

/** `|` would end a cell. */
const cell = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|")

const fallbackOf = ({ fallback, isRequired }: SettingDescription): string => {
  if (isRequired) return "required"
  return fallback ?? "—"
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

/** A document may have several tables, each with the name of what it is of. */
const beginOf = (of: string | undefined): string =>
  `<!-- Settings${of === undefined ? "" : ` of ${of}`}: written by \`npm run generate\`. -->`
const END = "<!-- /Settings -->"

/** The document with the table of `settings` between the two marks of its name. Throws where it has none. */
export const withSettingsTable = (
  document: string,
  settings: ReadonlyArray<SettingDescription>,
  of?: string
): string => {
  const mark = beginOf(of)
  const begin = document.indexOf(mark)
  const end = document.indexOf(END, begin)
  if (begin === -1 || end === -1) {
    throw new Error(`The document has no place for its settings: add the lines ${mark} and ${END}`)
  }
  return `${document.slice(0, begin)}${mark}\n${settingsTable(settings)}\n${document.slice(end)}`
}
