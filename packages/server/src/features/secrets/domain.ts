/** Rules of secrets that need no database (contract 3.6). Pure. */
import type { SecretRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"

/** One pair of `secretMetadata`, opened. */
export type MetadataPair = { readonly key: string; readonly value: string; readonly isEncrypted: boolean }

/** What a write may say about a secret besides its key; absent means "as it was". */
export type SecretChange = {
  readonly value?: string | undefined
  readonly comment?: string | undefined
  readonly skipMultilineEncoding?: boolean | null | undefined
  readonly reminderNote?: string | null | undefined
  readonly reminderRepeatDays?: number | null | undefined
  readonly metadata?: readonly MetadataPair[] | undefined
  readonly tagIds?: readonly string[] | undefined
}

/** Everything a secret holds, in the clear: what one version seals. */
export type SecretContent = {
  readonly value: string
  readonly comment: string
  readonly skipMultilineEncoding: boolean | null
  readonly reminderNote: string | null
  readonly reminderRepeatDays: number | null
  readonly metadata: readonly MetadataPair[]
  readonly tagIds: readonly string[]
}

/** A secret that left its envelope. `value` is undefined when the caller may not, or did not want to, see it. */
export type OpenedSecret = {
  readonly record: SecretRecord
  readonly environment: string
  readonly path: string
  readonly value: string | undefined
  readonly comment: string
  readonly metadata: readonly MetadataPair[]
  readonly tags: readonly { readonly id: string; readonly slug: string; readonly color: string | null }[]
}

/** What a new secret holds when the body leaves a field out. */
export function newContent(change: SecretChange): SecretContent {
  return withChange(
    {
      value: "",
      comment: "",
      skipMultilineEncoding: false,
      reminderNote: null,
      reminderRepeatDays: null,
      metadata: [],
      tagIds: [],
    },
    { ...change, skipMultilineEncoding: change.skipMultilineEncoding ?? false },
  )
}

/** A field left out is unchanged; a list that is given replaces the old one. */
export function withChange(content: SecretContent, change: SecretChange): SecretContent {
  return {
    value: change.value ?? content.value,
    comment: change.comment ?? content.comment,
    skipMultilineEncoding: orOld(change.skipMultilineEncoding, content.skipMultilineEncoding),
    reminderNote: orOld(change.reminderNote, content.reminderNote),
    reminderRepeatDays: orOld(change.reminderRepeatDays, content.reminderRepeatDays),
    metadata: change.metadata ?? content.metadata,
    tagIds: change.tagIds ?? content.tagIds,
  }
}

/** A reminder counts from when it was set and from when the value last changed. */
export function isReminderRestarted(old: SecretContent, now: SecretContent): boolean {
  if (old.reminderRepeatDays === null && now.reminderRepeatDays === null) return false
  return old.value !== now.value || old.reminderRepeatDays !== now.reminderRepeatDays
}

function orOld<T>(given: T | undefined, old: T): T {
  return given === undefined ? old : given
}

/** @throws AppError "invalid" when the project wants upper case and the key is not */
export function requireAllowedKey(key: string, isUpperCaseOnly: boolean): void {
  if (!isUpperCaseOnly || key === key.toUpperCase()) return
  throw new AppError(
    "invalid",
    "BadRequest",
    `Secret name must be in UPPERCASE per project requirements: '${key}'`,
  )
}

/** @throws AppError "invalid" when a batch names the same key twice */
export function requireDistinct(keys: readonly string[]): void {
  const seen = new Set<string>()
  const twice = new Set(keys.filter((key) => seen.size === seen.add(key).size))
  if (twice.size === 0) return
  throw new AppError("invalid", "BadRequest", `Named more than once: ${[...twice].join(", ")}`)
}

/** The 404 that ESO takes for "the secret is gone": only for secrets, never for what holds them (gotcha 9). */
export function secretNotFound(key: string): AppError {
  return new AppError("not-found", "NotFound", `Secret with name '${key}' not found`)
}
