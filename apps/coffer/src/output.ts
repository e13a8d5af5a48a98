/** How results look: a table for people, JSON for programs. */
import Table from "cli-table3"
import { Option } from "commander"
import type { Terminal } from "./terminal.ts"

export type OutputFormat = "table" | "json"

export function outputOption(): Option {
  return new Option("-o, --output <format>", "how the result is printed")
    .choices(["table", "json"])
    .default("table")
}

export function printJson(terminal: Terminal, value: unknown): void {
  terminal.print(JSON.stringify(value, undefined, 2))
}

/** What a list that holds nothing says instead of a table. */
export type IfEmpty = { readonly say: string; readonly silent?: boolean | undefined }

/**
 * Prints rows for people. With `ifEmpty`, a list without rows is a remark and leaves stdout empty, so that nothing
 * takes the headings for content.
 */
export function printTable(
  terminal: Terminal,
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  ifEmpty?: IfEmpty,
): void {
  if (rows.length === 0 && ifEmpty !== undefined) {
    if (ifEmpty.silent !== true) terminal.note(ifEmpty.say)
    return
  }
  const table = new Table({ head: [...headers], style: { head: [], border: [], compact: true } })
  for (const row of rows) table.push(row.map(showControlCharacters))
  terminal.print(table.toString())
}

/** Says how many were left out of a list, if any were. */
export function noteRest(terminal: Terminal, count: number): void {
  if (count > 0) terminal.note(`${count} more ${count === 1 ? "is" : "are"} not shown`)
}

/** A value must not be able to steer the terminal: escape sequences are shown, not sent. */
export function showControlCharacters(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`
  })
}
