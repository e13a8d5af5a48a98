import type { AuditEventTable } from "../../db/schema.ts"
import { uuidBytes } from "../../uuid.ts"
import { derivedColumnsOf, leafHash } from "../audit-record.ts"
import { isRedacted } from "../audit-redaction.ts"

/** Whether a row is what its leaf hash says: what was changed is evidence, which retention leaves alone. */
export function isIntact(row: AuditEventTable): boolean {
  if (isRedacted(row)) return true
  if (Buffer.compare(leafHash(uuidBytes(row.log_id), row.seq, row.body), row.leaf_hash) !== 0) return false
  const columns = derivedColumnsOf(row.log_id, row.body)
  return (
    columns !== undefined &&
    columns.at === row.at &&
    columns.orgId === row.org_id &&
    columns.projectId === row.project_id
  )
}
