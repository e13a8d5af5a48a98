import type { ColumnTypes } from "./column-types.ts"

/** Each head of an audit log names the one before it. Heads that are there already were signed without that. */
export function auditHeadChain({ integer }: ColumnTypes): readonly string[] {
  return [`alter table audit_head add column previous_size ${integer}`]
}
