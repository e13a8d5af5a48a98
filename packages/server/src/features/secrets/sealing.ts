/**
 * Between a secret in the clear and its row. Every field is sealed for its place (organization, project, secret,
 * version, field), the row's name is bound by a MAC; nothing comes out without a grant.
 */
import { type MetadataRecord, type SecretRecord, secretRowName } from "../../cache/index.ts"
import type { SecretTable } from "../../db/schema.ts"
import type { Keyring, ProjectSealer, SealedFieldAddress } from "../../keyring/keyring.ts"
import type { Grant } from "../authorization/index.ts"
import type { MetadataPair, SecretContent } from "./domain.ts"
import type { SecretLabel } from "./store.ts"
import type { Tombstone } from "./tombstone-store.ts"

/** What opening a secret of a project takes. */
export type Opener = { readonly sealer: ProjectSealer; readonly orgId: string }

/** Whoever may not read the value sees that there is metadata, not what it says. */
const hiddenMetadata = "<hidden-by-infisical>"

type Sealed = Pick<SecretRecord, "id" | "projectId" | "version" | "metadata"> & {
  readonly valueSealed: Uint8Array
  readonly commentSealed: Uint8Array | null
}

export function revealValue(_grant: Grant<"readValue">, opener: Opener, secret: Sealed): string {
  return opener.sealer.open(fieldAddress(opener, secret, "value"), secret.valueSealed)
}

/** The comment and the metadata; encrypted metadata only with the right to read values. */
export function revealDescription(
  _grant: Grant<"describeSecret">,
  opener: Opener,
  secret: Sealed,
  mayReadValue: Grant<"readValue"> | undefined,
): { readonly comment: string; readonly metadata: readonly MetadataPair[] } {
  const comment =
    secret.commentSealed === null
      ? ""
      : opener.sealer.open(fieldAddress(opener, secret, "comment"), secret.commentSealed)
  const metadata = secret.metadata.map((pair, index): MetadataPair => {
    if (pair.sealed === undefined) return { key: pair.key, value: pair.value ?? "", isEncrypted: false }
    if (mayReadValue === undefined) return { key: pair.key, value: hiddenMetadata, isEncrypted: true }
    const address = fieldAddress(opener, secret, `metadata:${index}`)
    const value = opener.sealer.open(address, Buffer.from(pair.sealed, "base64"))
    return { key: pair.key, value, isEncrypted: true }
  })
  return { comment, metadata }
}

/** The metadata as an event tells of it: what is encrypted stays so. */
export function auditedMetadata({ metadata }: Pick<SecretRecord, "metadata">) {
  return metadata.map(({ key, value, isEncrypted }) => {
    return { key, value: isEncrypted ? hiddenMetadata : (value ?? ""), isEncrypted }
  })
}

/** Everything a secret holds: what the next version is made from. The value is opened when it is asked for. */
export function revealContent(
  grants: { readonly describe: Grant<"describeSecret">; readonly value: Grant<"readValue"> },
  opener: Opener,
  secret: SecretRecord,
): SecretContent {
  const { comment, metadata } = revealDescription(grants.describe, opener, secret, grants.value)
  return {
    get value() {
      return revealValue(grants.value, opener, secret)
    },
    comment,
    metadata,
    skipMultilineEncoding: secret.skipMultilineEncoding,
    reminderNote: secret.reminderNote,
    reminderRepeatDays: secret.reminderRepeatDays,
    tagIds: secret.tagIds,
  }
}

/** Identity of a version that is about to be written. */
export type NextVersion = {
  readonly id: string
  readonly projectId: string
  readonly environmentId: string
  readonly folderId: string
  readonly key: string
  /** The owner of a personal secret. */
  readonly userId: string | null
  readonly version: number
  readonly revision: number
  readonly actorType: string
  readonly actorId: string
  readonly createdAt: number
  readonly now: number
}

/** The row of a version, sealed for its place. */
export function sealSecret(
  keyring: Keyring,
  opener: Opener,
  next: NextVersion,
  content: SecretContent,
): SecretTable {
  const seal = (field: SealedFieldAddress["field"], text: string) =>
    opener.sealer.seal(fieldAddress(opener, next, field), text)
  const metadata = content.metadata.map(
    (pair, index): MetadataRecord =>
      pair.isEncrypted
        ? {
            key: pair.key,
            sealed: Buffer.from(seal(`metadata:${index}`, pair.value)).toString("base64"),
            isEncrypted: true,
          }
        : { key: pair.key, value: pair.value, isEncrypted: false },
  )
  const row = {
    id: next.id,
    project_id: next.projectId,
    environment_id: next.environmentId,
    folder_id: next.folderId,
    key: next.key,
    type: next.userId === null ? ("shared" as const) : ("personal" as const),
    user_id: next.userId,
    version: next.version,
    revision: next.revision,
    value_sealed: seal("value", content.value),
    comment_sealed: content.comment === "" ? null : seal("comment", content.comment),
    skip_multiline_encoding: flagOf(content.skipMultilineEncoding),
    reminder_note: content.reminderNote,
    reminder_repeat_days: content.reminderRepeatDays,
    metadata: JSON.stringify(metadata),
    tags: JSON.stringify(content.tagIds),
    actor_type: next.actorType,
    actor_id: next.actorId,
    created_at: next.createdAt,
    updated_at: next.now,
  }
  return { ...row, row_mac: keyring.secretRowMac(secretRowName(row)) }
}

function flagOf(flag: boolean | null): 0 | 1 | null {
  if (flag === null) return null
  return flag ? 1 : 0
}

function fieldAddress(
  opener: Opener,
  secret: Pick<Sealed, "id" | "projectId" | "version">,
  field: SealedFieldAddress["field"],
): SealedFieldAddress {
  return {
    orgId: opener.orgId,
    projectId: secret.projectId,
    recordId: secret.id,
    version: secret.version,
    field,
  }
}

/** What says that a secret is gone, for the write of this revision. */
export function sealTombstone(
  keyring: Keyring,
  { id, folderId, userId, key, version }: SecretLabel,
  revision: number,
): Tombstone {
  const row = { id, folder_id: folderId, user_id: userId, key, version: version + 1, revision }
  return { id, version: row.version, rowMac: keyring.secretRowMac(secretRowName(row)) }
}
