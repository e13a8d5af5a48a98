import { describe, expect, it } from "vitest"
import type { AuditEventTable } from "../../db/schema.ts"
import { uuidBytes } from "../../uuid.ts"
import { pendingEventOf, recordOf } from "../audit-record.ts"
import { redactedColumns } from "../audit-redaction.ts"
import { isIntact } from "./intact-row.ts"

const logId = "0c1f7a52-5a3d-4a55-8a5f-3f5f0b6a2f11"

/** A row as it was appended. */
function aRow(): AuditEventTable {
  const event = pendingEventOf({
    id: "5b9c2f0e-6a57-4d0a-9d0f-6f2b8d1c7e33",
    at: 1_700_000_000_000,
    type: "get-secret",
    orgId: "org-a",
    projectId: "project-a",
    actor: { type: "identity", id: "identity-a", name: "ci", authMethod: "universal-auth" },
    source: { ipAddress: "127.0.0.1", userAgent: "cli", userAgentType: "cli", requestId: "req-1" },
    metadata: { environment: "prod" },
  })
  const record = recordOf({ id: logId, idBytes: uuidBytes(logId) }, 7, event)
  return {
    log_id: logId,
    seq: record.seq,
    id: record.id,
    at: record.at,
    type: record.type,
    org_id: record.orgId,
    project_id: record.projectId,
    actor_type: record.actorType,
    actor_id: record.actorId,
    body: record.body,
    leaf_hash: record.leafHash,
  }
}

describe("a row that retention may take", () => {
  it("is one as it was appended, or one that was emptied before", () => {
    expect(isIntact(aRow())).toBe(true)
    expect(isIntact({ ...aRow(), ...redactedColumns })).toBe(true)
  })

  // Each decides when an event's time is over: whoever changes one would have retention remove the evidence.
  it.for([
    { column: "at", value: 1 },
    { column: "org_id", value: "org-b" },
    { column: "project_id", value: "project-b" },
    { column: "project_id", value: null },
    { column: "seq", value: 8 },
    { column: "log_id", value: "0c1f7a52-5a3d-4a55-8a5f-3f5f0b6a2f12" },
  ])("is none whose $column says something else than its body", ({ column, value }) => {
    expect(isIntact({ ...aRow(), [column]: value })).toBe(false)
  })

  it("is none whose body is another, even if the columns agree", () => {
    const row = aRow()
    expect(isIntact({ ...row, body: row.body.replace('"prod"', '"dev"') })).toBe(false)
    expect(isIntact({ ...row, leaf_hash: Buffer.alloc(32) })).toBe(false)
  })
})
