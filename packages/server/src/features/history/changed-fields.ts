import type { SecretContent } from "../secrets/index.ts"

export type ContentField =
  | "value"
  | "comment"
  | "metadata"
  | "tags"
  | "skipMultilineEncoding"
  | "reminderNote"
  | "reminderRepeatDays"

/** Which fields differ, never how. Pure. */
export function changedFields(left: SecretContent, right: SecretContent): readonly ContentField[] {
  const fields: ContentField[] = []
  if (left.value !== right.value) fields.push("value")
  if (left.comment !== right.comment) fields.push("comment")
  if (JSON.stringify(left.metadata) !== JSON.stringify(right.metadata)) fields.push("metadata")
  if ([...left.tagIds].sort().join() !== [...right.tagIds].sort().join()) fields.push("tags")
  if (left.skipMultilineEncoding !== right.skipMultilineEncoding) fields.push("skipMultilineEncoding")
  if (left.reminderNote !== right.reminderNote) fields.push("reminderNote")
  if (left.reminderRepeatDays !== right.reminderRepeatDays) fields.push("reminderRepeatDays")
  return fields
}
