/**
 * What `kubectl get` prints, made from the API server's Table answer: the same columns from the same
 * printer definitions, whether or not kubectl is installed.
 */
import { type KubeClient, type ObjectKey, type Resource, resourcePath } from "@coffer/kube-runtime"

export type Table = {
  /** Upper case, as kubectl shows them. */
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

type TableAnswer = {
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[]
  readonly rows?: readonly { readonly cells: readonly unknown[] }[]
}

const TABLE_TYPE = "application/json;as=Table;v=v1;g=meta.k8s.io"
const COLUMN_GAP = 3

/** One object as a table of one row. @throws KubeApiError when it does not exist */
export async function readTable(
  kube: KubeClient,
  resource: Resource,
  key: ObjectKey,
  signal?: AbortSignal,
): Promise<Table> {
  const path = resourcePath(resource, { namespace: key.namespace, name: key.name })
  return parseTable(await kube.request<TableAnswer>({ method: "GET", path, accept: TABLE_TYPE, signal }))
}

/** Columns of priority 0 only: the others belong to `-o wide`. */
export function parseTable(answer: TableAnswer): Table {
  const definitions = answer.columnDefinitions ?? []
  const shown = definitions.flatMap((column, index) => ((column.priority ?? 0) === 0 ? [index] : []))
  const cellText = (cell: unknown) => (cell === null || cell === undefined ? "" : String(cell))
  return {
    columns: shown.map((index) => (definitions[index]?.name ?? "").toUpperCase()),
    rows: (answer.rows ?? []).map((row) => shown.map((index) => cellText(row.cells[index]))),
  }
}

/** The table as kubectl lays it out: columns padded to the longest cell plus three blanks. */
export function renderTable(table: Table): string {
  const lines = [table.columns, ...table.rows]
  const widths = table.columns.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, (line[column] ?? "").length), 0),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === line.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + COLUMN_GAP),
        )
        .join(""),
    )
    .join("\n")
}

/**
 * The text of `kubectl get` back as columns. Cells are cut at the positions of the headings, because a
 * heading (REFRESH INTERVAL) and a cell may hold single blanks and a cell may be empty.
 */
export function parsePrintedTable(text: string): Table {
  const [heading = "", ...lines] = text.split("\n").filter((line) => line.trim() !== "")
  const starts = [...heading.matchAll(/\S+(?: \S+)*/g)].map((match) => match.index)
  const cut = (line: string) =>
    starts.map((start, index) => line.slice(start, starts[index + 1] ?? line.length).trim())
  return { columns: cut(heading), rows: lines.map(cut) }
}
