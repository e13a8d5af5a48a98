import { type ArchiveEntryOf, type ArchiveHeader, archiveFormat, archiveVersion } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { type SecretRecord, secretRecordOf } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { Log } from "../../log.ts"
import { TimeSlices } from "../../time-slices.ts"
import { otherOrganization, projectNotFound, writeInOrganization } from "../../use-case/index.ts"
import { authorizeEverywhere, type Grant } from "../authorization/index.ts"
import { type Opener, revealContent, type SecretsDeps } from "../secrets/index.ts"
import { archiveRefused } from "./refusals.ts"
import {
  countContents,
  isStillThere,
  listOwners,
  listRoles,
  listTags,
  lockProject,
  type ProjectRow,
} from "./snapshot-store.ts"
import {
  findOwnerIds,
  listEnvironmentVersions,
  listFolderVersions,
  listImportVersions,
  listSecretVersions,
  presentVersion,
  type SealedVersion,
} from "./versions-store.ts"

type Grants = { readonly describe: Grant<"describeSecret">; readonly value: Grant<"readValue"> }

type Snapshot = {
  readonly row: ProjectRow
  readonly grants: Grants
  readonly tags: readonly ArchiveEntryOf<"tag">[]
  readonly roles: Awaited<ReturnType<typeof listRoles>>
}

export type ExportedArchive = {
  readonly fileName: string
  /** As an age file, of which the last bytes come only when everything did. */
  readonly sealed: ReadableStream<Uint8Array>
}

/**
 * A whole project as one age file: all versions of everything, the trash and everybody's personal secrets included. The
 * event that tells of it is durable before the first byte leaves.
 *
 * @param recipients who can open it: age public keys
 * @throws AppError "forbidden" unless the caller administers the project and may read all of it; "invalid" for a
 * recipient that is none
 */
export async function exportArchive(
  deps: SecretsDeps & { readonly log: Log },
  session: Session,
  input: { readonly projectId: string; readonly recipients: readonly string[] },
): Promise<ExportedArchive> {
  const { projectId, recipients } = input
  // Loaded only by those who export: most servers never do.
  const { ArchiveError, encryptArchive, RecordWriter } = await import("@coffer/project-archive")
  const lines = async function* (snapshot: Snapshot) {
    const writer = new RecordWriter()
    try {
      for await (const record of recordsOf(deps, snapshot)) yield writer.line(record)
      yield writer.end()
    } catch (error) {
      // The client sees its connection break, and no reason.
      const problem = error instanceof Error ? `${error.name}: ${error.message}` : "not an error object"
      deps.log.error({ projectId, problem }, "the export of a project failed")
      throw error
    }
  }
  try {
    await encryptArchive(nothing(), { kind: "recipients", recipients })
  } catch (error) {
    if (error instanceof ArchiveError) throw archiveRefused(error.message)
    throw error
  }
  const snapshot = await takeSnapshot(deps, session, { projectId, recipients })
  const sealed = await encryptArchive(lines(snapshot), { kind: "recipients", recipients })
  return { fileName: `${snapshot.row.slug}.coffer.age`, sealed }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

/** What does not keep versions, read under the lock of the project, and the event of the export. */
async function takeSnapshot(
  deps: SecretsDeps,
  session: Session,
  { projectId, recipients }: { readonly projectId: string; readonly recipients: readonly string[] },
): Promise<Snapshot> {
  return await writeInOrganization(deps, session, async (write) => {
    const row = await lockProject(write.db, projectId)
    if (row === undefined) throw projectNotFound(projectId)
    if (row.org_id !== write.actor.orgId) throw otherOrganization()
    const at = { projectId, now: write.now }
    authorizeEverywhere(write.actor, "edit", "project", at)
    authorizeEverywhere(write.actor, "read", "role", at)
    const grants = {
      describe: authorizeEverywhere(write.actor, "describeSecret", "secrets", at),
      value: authorizeEverywhere(write.actor, "readValue", "secrets", at),
    }
    const snapshot = {
      row,
      grants,
      tags: await listTags(write.db, projectId),
      roles: await listRoles(write.db, projectId),
    }
    const counts = await countContents(write.db, projectId)
    const { id, name, slug, revision } = row
    write.audit("export-project", { id, name, slug, revision, recipients, ...counts }, projectId)
    return snapshot
  })
}

async function* recordsOf(deps: SecretsDeps, snapshot: Snapshot) {
  const { reader } = deps.database
  const { row, grants } = snapshot
  const extent = { projectId: row.id, revision: row.revision }
  yield headerOf(row, deps.clock.now())
  yield* await listOwners(reader, await findOwnerIds(reader, extent))
  yield* snapshot.tags
  yield* snapshot.roles
  yield* listEnvironmentVersions(reader, extent)
  yield* listFolderVersions(reader, extent)
  yield* listImportVersions(reader, extent)
  const opener = { sealer: await deps.keyring.forProject(row.id), orgId: row.org_id }
  const tagIds = new Set(snapshot.tags.map((tag) => tag.id))
  const slices = new TimeSlices()
  for await (const version of listSecretVersions(reader, extent)) {
    const pause = slices.spend(5)
    if (pause !== undefined) await pause
    yield secretOf(deps, opener, grants, version, tagIds)
  }
  const isThere = await isStillThere(reader, { ...extent, createdAt: row.created_at })
  if (!isThere) {
    throw new AppError("unavailable", "ServiceUnavailable", "The project was deleted while it was exported")
  }
}

function headerOf(row: ProjectRow, now: number): ArchiveHeader {
  return {
    kind: "header",
    format: archiveFormat,
    version: archiveVersion,
    exportedAt: now,
    project: {
      id: row.id,
      name: row.name,
      slug: row.slug,
      description: row.description,
      revision: row.revision,
      autoCapitalization: row.auto_capitalization === 1,
      hasDeleteProtection: row.has_delete_protection === 1,
      versionLimit: row.version_limit,
      trashDays: row.trash_days,
      auditRetentionDays: row.audit_retention_days,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    },
  }
}

function secretOf(
  deps: SecretsDeps,
  opener: Opener,
  grants: Grants,
  row: SealedVersion,
  tagIds: ReadonlySet<string>,
): ArchiveEntryOf<"secret"> {
  const { value_sealed, newest, counts_from, ...rest } = row
  // Also a version without a value has a name that the row's MAC vouches for.
  const stored = {
    ...rest,
    id: row.secret_id,
    value_sealed: value_sealed ?? new Uint8Array(),
    updated_at: row.at,
  }
  const record = secretRecordOf(stored, deps.keyring)
  const isOpenable = row.op !== "delete" && value_sealed !== null
  const content = isOpenable ? revealContent(grants, opener, record) : undefined
  const isCurrent = row.op !== "delete" && newest === row.version
  const current = { createdAt: row.created_at, reminderFrom: reminderOf(row) }
  return {
    kind: "secret",
    ...presentVersion(row.secret_id, row),
    environmentId: row.environment_id,
    folderId: row.folder_id,
    key: row.key,
    userId: row.user_id,
    value: content?.value ?? null,
    comment: content?.comment ?? "",
    skipMultilineEncoding: record.skipMultilineEncoding,
    reminderNote: record.reminderNote,
    reminderRepeatDays: record.reminderRepeatDays,
    metadata: [...(content?.metadata ?? [])],
    tagIds: tagsOf(record, isCurrent ? tagIds : undefined),
    ...(isCurrent ? { current } : {}),
  }
}

/** A tag that was deleted stays on old versions only. */
function tagsOf(record: SecretRecord, existing: ReadonlySet<string> | undefined): string[] {
  return record.tagIds.filter((id) => existing === undefined || existing.has(id))
}

/** A reminder may have been started anew after the revision that is exported. */
function reminderOf(row: SealedVersion): number | null {
  return row.reminder_repeat_days === null || row.counts_from === null
    ? null
    : Math.min(row.counts_from, row.at)
}
