import {
  type ArchiveCounts,
  type ArchiveEntryOf,
  type ArchiveHeader,
  archiveBeginning,
  archiveHeader,
  archiveVersion,
} from "@coffer/contract"
import type { ArchiveRecord } from "@coffer/project-archive"
import type { Session } from "../../actor.ts"
import { unlessTaken } from "../../db/index.ts"
import type { SecretVersionTable } from "../../db/schema.ts"
import type { ProjectSealer } from "../../keyring/keyring.ts"
import { TimeSlices } from "../../time-slices.ts"
import { type OrganizationWrite, writeInOrganization } from "../../use-case/index.ts"
import { authorizeInOrganization, isAllowedInOrganization } from "../authorization/index.ts"
import { grantMembership } from "../memberships/index.ts"
import { removeRows } from "../project-removal/index.ts"
import { generateSlug } from "../projects/index.ts"
import { type SecretsDeps, sealSecret } from "../secrets/index.ts"
import { copyIds, type IdMap, keepIds } from "./ids.ts"
import { type Batches, Intake } from "./intake.ts"
import { discardImport } from "./leftovers.ts"
import { archiveRefused, asRefusal } from "./refusals.ts"
import {
  type FoundProject,
  findForeignId,
  findPeople,
  findProject,
  type ImportRef,
  insertRoles,
  insertSecrets,
  insertStaged,
  insertStructure,
  insertStructureVersions,
  insertTags,
  isSlugTaken,
  publish,
  type SealedSecret,
  touchImport,
} from "./staging-store.ts"
import { findInconsistentSecret } from "./versions-store.ts"

export type ImportOptions = {
  /** Opens the archive: an age secret key. */
  readonly identity: string
  readonly asCopy: boolean
  readonly slug: string | undefined
  readonly name: string | undefined
}

export type Imported = {
  readonly projectId: string
  readonly fromProjectId: string
  readonly isCopy: boolean
  readonly counts: ArchiveCounts
}

/** The project that is being made. */
type Stage = ImportRef & {
  readonly slug: string
  readonly name: string
  readonly header: ArchiveHeader
  readonly sealer: ProjectSealer
  readonly orgId: string
}

/**
 * Makes a project from an archive, with every id, version and revision it had; the caller becomes its admin. Values are
 * sealed anew, under a data key of this server. Nothing is visible before everything is there; whatever goes wrong,
 * nothing stays.
 *
 * @param upload the age file
 * @throws AppError "forbidden" without the right to create projects; "invalid" or "conflict" (ArchiveRefused) with what
 * is wrong with the archive
 */
export async function importArchive(
  deps: SecretsDeps,
  session: Session,
  upload: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<Imported> {
  authorizeInOrganization(session.actor, "create-projects")
  const { decryptArchive, readRecords } = await import("@coffer/project-archive")
  let stage: Stage | undefined
  try {
    const key = { kind: "identities", identities: [options.identity] } as const
    const records = readRecords(await decryptArchive(upload, key))
    const header = parseHeader(await records.next())
    const mapId = options.asCopy ? copyIds(deps.random.bytes(32)) : keepIds
    stage = await openStage(deps, session, header, { ...options, mapId })
    const { revision } = header.project
    const intake = new Intake(batchesFor(deps, session, stage), { mapId, lastRevision: revision })
    for await (const record of records) await intake.take(record)
    const counts = await intake.finish()
    await finishStage(deps, session, stage, { counts, isCopy: options.asCopy })
    const { projectId } = stage
    return { projectId, fromProjectId: header.project.id, isCopy: options.asCopy, counts }
  } catch (error) {
    if (stage !== undefined) await discardImport(deps, stage)
    throw asRefusal(error)
  }
}

function parseHeader(first: IteratorResult<ArchiveRecord, void>): ArchiveHeader {
  const beginning = archiveBeginning.safeParse(first.value)
  if (!beginning.success) throw archiveRefused("This is not an archive of a project: it has no header")
  if (beginning.data.version > archiveVersion) {
    throw archiveRefused(
      `The archive has format version ${beginning.data.version}, and this server reads ${archiveVersion}: import it with a newer Coffer`,
    )
  }
  const header = archiveHeader.safeParse(first.value)
  if (header.success) return header.data
  const [issue] = header.error.issues
  throw archiveRefused(`The header of the archive, ${issue?.path.join(".")}: ${issue?.message}`)
}

const removalMs = 10_000

async function openStage(
  deps: SecretsDeps,
  session: Session,
  header: ArchiveHeader,
  options: ImportOptions & { readonly mapId: IdMap },
): Promise<Stage> {
  const projectId = options.mapId(header.project.id)
  // The rest of a deletion, or of an import that was given up: nobody has to wait until it is gone by itself. Of a large
  // one something stays, and the client is told to try again, before its connection counts as silent.
  await removeRows(deps, projectId, AbortSignal.timeout(removalMs))
  const name = options.name ?? header.project.name
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "create-projects")
    const { orgId } = write.actor
    const there = await findProject(write.db, projectId)
    if (there !== undefined) throw projectThere(there, orgId)
    const copySlug = options.asCopy ? generateSlug(name, deps.random.bytes(4)) : header.project.slug
    const slug = options.slug ?? copySlug
    if (await isSlugTaken(write.db, { orgId, slug })) throw slugTaken(slug)
    const token = deps.random.uuid()
    await insertStaged(write.db, { id: projectId, orgId, token, header, now: write.now })
    const sealer = await deps.keyring.createProjectKey(write.db, projectId)
    return { projectId, token, slug, name, header, sealer, orgId }
  })
}

function projectThere(there: FoundProject, orgId: string): Error {
  if (there.state === "being-removed") {
    return archiveRefused("The project of this archive was deleted just now; try again", "conflict")
  }
  const named = there.orgId === orgId ? `, with slug '${there.slug}'` : ", in another organization"
  const what = there.state === "being-imported" ? "is being imported" : `exists on this server${named}`
  return archiveRefused(
    `The project of this archive ${what}; import it as a copy (asCopy=true, --as-copy) to have it a second time, or delete that one first`,
    "conflict",
  )
}

function slugTaken(slug: string): Error {
  return archiveRefused(
    `A project with the slug "${slug}" already exists in your organization; choose another one with 'slug'`,
    "conflict",
  )
}

/** Every batch is a write of its own, with the rights of the moment. */
function batchesFor(deps: SecretsDeps, session: Session, stage: Stage): Batches {
  const { projectId } = stage
  const owners = new Map<string, string>()
  const write = async (ids: readonly string[], work: (write: OrganizationWrite) => Promise<void>) => {
    await writeInOrganization(deps, session, async (scope) => {
      await goOn(scope, stage)
      const foreign = await findForeignId(scope.db, projectId, ids)
      if (foreign !== undefined) throw idInUse(foreign)
      await work(scope)
    })
  }
  return {
    labels: async ({ users, tags, roles }) => {
      const ids = users.map((user) => user.id)
      const emails = users.map((user) => user.email)
      await write([], async ({ db }) => {
        const people = await findPeople(db, { orgId: stage.orgId, ids, emails })
        for (const { id, email } of users) {
          const same = people.find((one) => one.id === id) ?? people.find((one) => one.email === email)
          owners.set(id, same?.id ?? id)
        }
        await insertTags(db, projectId, tags)
        await insertRoles(db, projectId, roles)
      })
    },
    structureVersions: (entries) =>
      write(
        entries.map((entry) => entry.id),
        ({ db }) => insertStructureVersions(db, projectId, entries),
      ),
    structure: (of) => write([], ({ db }) => insertStructure(db, projectId, of)),
    secrets: async (entries) => {
      const sealed = await sealAll(deps, stage, entries, owners)
      const ids = entries.map((entry) => entry.id)
      await write(ids, ({ db }) => insertSecrets(db, projectId, sealed))
    },
  }
}

async function goOn({ db, now }: OrganizationWrite, of: ImportRef): Promise<void> {
  if (await touchImport(db, of, now)) return
  throw archiveRefused("The import stood still for too long and was given up; start it again", "unavailable")
}

function idInUse(id: string): Error {
  return archiveRefused(
    `The archive holds the id '${id}', which another project of this server uses; import it as a copy (asCopy=true, --as-copy) to give everything new ids`,
    "conflict",
  )
}

/** Outside of the transaction: it takes time. */
async function sealAll(
  deps: SecretsDeps,
  stage: Stage,
  entries: readonly ArchiveEntryOf<"secret">[],
  owners: ReadonlyMap<string, string>,
): Promise<readonly SealedSecret[]> {
  const slices = new TimeSlices()
  const sealed: SealedSecret[] = []
  for (const entry of entries) {
    const pause = slices.spend(5)
    if (pause !== undefined) await pause
    const userId = entry.userId === null ? null : (owners.get(entry.userId) ?? entry.userId)
    sealed.push(sealOne(deps, stage, entry, userId))
  }
  return sealed
}

function sealOne(
  deps: SecretsDeps,
  { projectId, sealer, orgId }: Stage,
  entry: ArchiveEntryOf<"secret">,
  userId: string | null,
): SealedSecret {
  const { id, version, revision, environmentId, folderId, key, actorType, actorId, at } = entry
  const next = { id, projectId, environmentId, folderId, key, userId, version, revision, actorType, actorId }
  const times = { createdAt: entry.current?.createdAt ?? at, now: at }
  const row = sealSecret(
    deps.keyring,
    { sealer, orgId },
    { ...next, ...times },
    { ...entry, value: entry.value ?? "" },
  )
  const { id: secret_id, created_at: _, updated_at, ...columns } = row
  const value_sealed = entry.value === null ? null : row.value_sealed
  const stored: SecretVersionTable = { ...columns, secret_id, value_sealed, op: entry.op, at: updated_at }
  const { current } = entry
  return {
    version: stored,
    current: current === undefined ? undefined : row,
    reminderFrom: current?.reminderFrom ?? null,
  }
}

/** The last write: from here on the project is one of the organization's. */
async function finishStage(
  deps: SecretsDeps,
  session: Session,
  stage: Stage,
  of: { readonly counts: ArchiveCounts; readonly isCopy: boolean },
): Promise<void> {
  const { projectId, header, slug, name } = stage
  const extent = { projectId, revision: header.project.revision }
  const inconsistent = await findInconsistentSecret(deps.database.reader, extent)
  if (inconsistent !== undefined) {
    throw archiveRefused(`The archive does not say whether the secret '${inconsistent}' is still there`)
  }
  const publishing = writeInOrganization(
    deps,
    session,
    async (write) => {
      authorizeInOrganization(write.actor, "create-projects")
      await goOn(write, stage)
      const keepsAuditRetention = isAllowedInOrganization(write.actor.orgRole, "manage-audit")
      const at = { id: projectId, slug, name, header, keepsAuditRetention, now: write.now }
      const revision = await publish(write.db, at)
      const { kind, id: memberId } = write.actor
      const roles = [{ role: "admin", temporary: null }]
      await grantMembership(deps, write, { kind, memberId, projectId, roles })
      const { counts, isCopy } = of
      write.audit(
        "import-project",
        {
          id: projectId,
          name,
          slug,
          revision,
          fromProjectId: header.project.id,
          isCopy,
          exportedAt: new Date(header.exportedAt).toISOString(),
          numberOfEnvironments: counts.environments,
          numberOfFolders: counts.folders,
          numberOfSecrets: counts.secrets,
          numberOfPersonalSecrets: counts.personalSecrets,
          numberOfVersions: counts.versions,
        },
        projectId,
      )
      write.afterCommit(() => {
        deps.keyring.forgetProject(projectId)
        deps.projects.markBehind(projectId)
        deps.signal.changed("project", projectId)
      })
    },
    { endsOwnEpoch: true },
  )
  await unlessTaken(publishing, () => slugTaken(slug))
}
