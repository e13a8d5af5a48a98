import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parsePrintedTable, parseTable, renderTable } from "./table.ts"

const printed = `NAME           STORETYPE            STORE       REFRESH INTERVAL   STATUS         READY   LAST SYNC
cluster-test   ClusterSecretStore   infisical   30s                SecretSynced   True    2s`

describe("the table of kubectl", () => {
  it("is rendered to the letter as kubectl prints it", () => {
    const answer = {
      columnDefinitions: [
        "Name",
        "StoreType",
        "Store",
        "Refresh Interval",
        "Status",
        "Ready",
        "Last Sync",
      ].map((name) => ({ name, priority: 0 })),
      rows: [
        { cells: ["cluster-test", "ClusterSecretStore", "infisical", "30s", "SecretSynced", "True", "2s"] },
      ],
    }
    expect(renderTable(parseTable(answer))).toBe(printed)
  })

  it("leaves out the columns of -o wide and shows absent cells as empty", () => {
    const answer = {
      columnDefinitions: [{ name: "Name" }, { name: "Wide", priority: 1 }, { name: "Ready" }],
      rows: [{ cells: ["a", "x", null] }],
    }
    expect(parseTable(answer)).toEqual({ columns: ["NAME", "READY"], rows: [["a", ""]] })
  })

  it("is as wide as its widest cell, also when it has more rows than a call takes arguments", () => {
    const rows = Array.from({ length: 130_000 }, () => ["a", "True"])
    const lines = renderTable({ columns: ["NAME", "READY"], rows: [...rows, ["the-widest", "False"]] }).split(
      "\n",
    )
    expect(lines).toHaveLength(130_002)
    expect([lines[0], lines.at(-1)]).toEqual(["NAME         READY", "the-widest   False"])
  })

  it("what was printed is read back, empty cells included", () => {
    const cell = fc.stringMatching(/^[A-Za-z0-9-]{0,20}$/)
    const rows = fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}$/), cell, cell), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(rows, (cells) => {
        const table = { columns: ["NAME", "REFRESH INTERVAL", "READY"], rows: cells }
        expect(parsePrintedTable(renderTable(table))).toEqual(table)
      }),
    )
  })
})
