import { describe, expect, it } from "vitest"
import { parsePrintedTable, type Table } from "../kubernetes/table.ts"
import { judgeTable } from "./judge-table.ts"

const wanted = ["cluster-test", "ClusterSecretStore", "infisical", "30s", "SecretSynced", "True"]
const asDocumented = `
NAME           STORETYPE            STORE       REFRESH INTERVAL   STATUS         READY
cluster-test   ClusterSecretStore   infisical   30s                SecretSynced   True
`
const since29 = `
NAME           STORETYPE            STORE       REFRESH INTERVAL   STATUS         READY   LAST SYNC
cluster-test   ClusterSecretStore   infisical   30s                SecretSynced   True    2s
`

/** The good table with one column's heading or cell replaced. */
function tableWith(column: string, change: { heading?: string; cell?: string }): Table {
  const { columns, rows } = parsePrintedTable(since29)
  const index = columns.indexOf(column)
  return {
    columns: columns.with(index, change.heading ?? column),
    rows: rows.map((row) => row.with(index, change.cell ?? row[index]!)),
  }
}

describe("the table of the smoke test", () => {
  it.for([asDocumented, since29])("is accepted as documented, with and without LAST SYNC", (text) => {
    expect(judgeTable(parsePrintedTable(text), wanted)).toEqual([])
  })

  it.for([
    ["READY", { cell: "False" }, 'READY is "False" instead of "True"'],
    ["STATUS", { cell: "SecretSyncedError" }, 'STATUS is "SecretSyncedError" instead of "SecretSynced"'],
    ["STORETYPE", { heading: "KIND" }, "column 2 is KIND instead of STORETYPE"],
    ["LAST SYNC", { cell: "" }, 'LAST SYNC is "" instead of an age'],
    ["LAST SYNC", { heading: "AGE" }, "unexpected columns: AGE"],
  ] as const)("a difference in %s is named", ([column, change, difference]) => {
    expect(judgeTable(tableWith(column, change), wanted)).toEqual([difference])
  })

  it("a missing row is a difference", () => {
    const { columns } = parsePrintedTable(asDocumented)
    expect(judgeTable({ columns, rows: [] }, wanted)).toContain("expected one row, found 0")
  })
})
