/** Compares what `kubectl get externalsecret` shows with what it should show, column by column. */
import type { Table } from "../kubernetes/table.ts"

/** The columns of `kubectl get externalsecret`, in order. */
const expectedColumns = ["NAME", "STORETYPE", "STORE", "REFRESH INTERVAL", "STATUS", "READY"] as const
/** Since 2.9 there is one more, whose content is an age. */
const lastColumn = "LAST SYNC"

/** Every difference as one sentence; none when the table is as wanted. */
export function judgeTable(table: Table, wanted: readonly string[]): readonly string[] {
  const differences: string[] = []
  const row = table.rows[0] ?? []
  if (table.rows.length !== 1) differences.push(`expected one row, found ${table.rows.length}`)
  expectedColumns.forEach((column, index) => {
    if (table.columns[index] !== column) {
      differences.push(`column ${index + 1} is ${table.columns[index] ?? "missing"} instead of ${column}`)
    } else if (row[index] !== wanted[index]) {
      differences.push(`${column} is "${row[index] ?? ""}" instead of "${wanted[index] ?? ""}"`)
    }
  })
  const extra = table.columns.slice(expectedColumns.length)
  const isKnownExtra = extra.length === 0 || (extra.length === 1 && extra[0] === lastColumn)
  if (!isKnownExtra) differences.push(`unexpected columns: ${extra.join(", ")}`)
  if (isKnownExtra && extra.length === 1 && !isAge(row[expectedColumns.length] ?? "")) {
    differences.push(`${lastColumn} is "${row[expectedColumns.length] ?? ""}" instead of an age`)
  }
  return differences
}

/** `5s`, `2m30s`, `3d4h`: how Kubernetes writes how long ago something was. */
function isAge(text: string): boolean {
  return /^(?:\d+[smhdy])+$/.test(text)
}
