/**
 * Rows in columns, for people. Numbers stand to the right.
 */
import * as CliOutput from "effect/cli/CliOutput"
import { oneLine } from "./oneLine.ts"

export interface Column<A> {
  readonly title: string
  readonly cell: (row: A) => string
  readonly align?: "right"
}

const pad = (text: string, width: number, align: "left" | "right"): string => {
  const fill = " ".repeat(Math.max(0, width - CliOutput.displayWidth(text)))
  return align === "right" ? fill + text : text + fill
}

/** The table, its titles in capitals; `empty` where there is no row. */
export const table = <A>(columns: ReadonlyArray<Column<A>>, rows: ReadonlyArray<A>, empty: string): string => {
  if (rows.length === 0) return empty
  const lines = [
    columns.map(({ title }) => title.toUpperCase()),
    ...rows.map((row) => columns.map(({ cell }) => oneLine(cell(row))))
  ]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => CliOutput.displayWidth(line[index] ?? ""))))
  return lines
    .map((line) =>
      line
        .map((text, index) => pad(text, widths[index] ?? 0, columns[index]?.align ?? "left"))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}
