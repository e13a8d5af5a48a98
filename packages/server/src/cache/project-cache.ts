import { sql } from "kysely"
import { chunksOf } from "../db/chunks.ts"
import type { Reader } from "../db/database.ts"
import type { Keyring } from "../keyring/keyring.ts"
import { BoundedMap } from "./bounded-map.ts"
import { loadStructure, type ProjectStructure } from "./project-structure.ts"
import { type FolderSecrets, loadChangedSecrets, loadFolderSecrets } from "./secret-record.ts"

const maxProjects = 2_000
const maxWeightBytes = 48 * 1024 * 1024
/** With more changes than this to catch up with, loading the project anew is cheaper. */
const maxChangesToFollow = 2_000
/** With more changed secrets of a folder than this, loading it anew is simpler. */
const maxKeysToFollow = 200
const contentKinds: ReadonlySet<string> = new Set(["secret:create", "secret:update", "secret:delete"])

const foldersPerStatement = 100

/** Puts the secrets of every one of these folders among the snapshot's loaded ones. */
type LoadSecrets = (folderIds: readonly string[]) => Promise<void>

/** What a folder held, and the keys of all that changed in it since. */
type OutdatedFolder = { readonly before: FolderSecrets; readonly keys: ReadonlySet<string> }

/** The folders of a project whose secrets are in memory, by id; those that are in neither were not asked for yet. */
type KnownFolders = {
  readonly loaded: Map<string, FolderSecrets>
  readonly outdated: Map<string, OutdatedFolder>
}

/** Whether changes of this kind leave the structure of a project as it was. */
export function leavesStructure(kind: string): boolean {
  return contentKinds.has(kind)
}

/**
 * A project as of `revision`: everything in it is at least that new. Secrets are loaded folder by folder, when first
 * asked for. Immutable but for that; a newer revision is another snapshot.
 */
export class ProjectSnapshot {
  readonly structure: ProjectStructure
  readonly revision: number
  readonly folders: KnownFolders
  readonly #load: LoadSecrets
  readonly #loading = new Map<string, Promise<FolderSecrets>>()

  constructor(structure: ProjectStructure, revision: number, folders: KnownFolders, load: LoadSecrets) {
    this.structure = structure
    this.revision = revision
    this.folders = folders
    this.#load = load
  }

  get id(): string {
    return this.structure.project.id
  }

  /** The secrets of a folder of this project; not a promise when they are in memory. */
  secretsOf(folderId: string): FolderSecrets | Promise<FolderSecrets> {
    return this.folders.loaded.get(folderId) ?? this.#loadOnce(folderId)
  }

  /** Loads what is not in memory yet of the secrets of these folders, those of many with one statement. */
  async loadSecretsOf(folderIds: readonly string[]): Promise<void> {
    const missing = folderIds.filter((id) => !this.folders.loaded.has(id) && !this.#loading.has(id))
    for (const chunk of chunksOf(missing, foldersPerStatement)) await this.#load(chunk)
  }

  #loadOnce(folderId: string): Promise<FolderSecrets> {
    const underWay = this.#loading.get(folderId)
    if (underWay !== undefined) return underWay
    const loading = this.#load([folderId])
      .then(() => this.folders.loaded.get(folderId) ?? { byKey: new Map(), weightBytes: 0 })
      .finally(() => this.#loading.delete(folderId))
    this.#loading.set(folderId, loading)
    return loading
  }
}

/**
 * Ciphertext and names of the projects in use. A snapshot may be behind the database: whoever answers from one must
 * compare its revision with what the audit round trip saw, and {@link catchUp} when they differ.
 */
export class ProjectCache {
  readonly #reader: Reader
  readonly #keyring: Keyring
  readonly #snapshots = new BoundedMap<string, ProjectSnapshot>(maxProjects)
  readonly #idsBySlug = new BoundedMap<string, string>(maxProjects * 2)
  readonly #catchingUp = new Map<string, Promise<ProjectSnapshot | undefined>>()
  readonly #behind = new Set<string>()
  #weightBytes = 0

  constructor(reader: Reader, keyring: Keyring) {
    this.#reader = reader
    this.#keyring = keyring
  }

  /** The snapshot in memory, unless it is known to be behind. */
  peek(projectId: string): ProjectSnapshot | undefined {
    return this.#behind.has(projectId) ? undefined : this.#snapshots.get(projectId)
  }

  /** The structure in memory if nothing changed it after this revision; the secrets may be newer. */
  peekStructure(projectId: string, structureRevision: number): ProjectStructure | undefined {
    const structure = this.#snapshots.get(projectId)?.structure
    return structure?.project.structureRevision === structureRevision ? structure : undefined
  }

  /**
   * Loads the project for whoever asks next, if it is not in memory, or if its structure is not the one of this revision:
   * else writes that no read comes between would each load the structure for themselves. Failures are theirs to meet.
   */
  prepare(projectId: string, structureRevision: number | undefined): void {
    const structure = this.#snapshots.get(projectId)?.structure
    const isWanted =
      structure === undefined ||
      (structureRevision !== undefined && structure.project.structureRevision !== structureRevision)
    if (isWanted) this.get(projectId).catch(() => undefined)
  }

  /** As {@link peek}, by slug. */
  peekBySlug(orgId: string, slug: string): ProjectSnapshot | undefined {
    const id = this.#idsBySlug.get(slugKey(orgId, slug))
    const snapshot = id === undefined ? undefined : this.peek(id)
    return snapshot?.structure.project.slug === slug ? snapshot : undefined
  }

  /** `undefined` when there is no such project. */
  async get(projectId: string): Promise<ProjectSnapshot | undefined> {
    const known = this.peek(projectId)
    if (known !== undefined) return known
    await this.#catchingUp.get(projectId)?.catch(() => undefined)
    return this.peek(projectId) ?? (await this.catchUp(projectId))
  }

  /** Looks only inside the organization; what is not found is asked of the database every time. */
  async getBySlug(orgId: string, slug: string): Promise<ProjectSnapshot | undefined> {
    const known = this.peekBySlug(orgId, slug)
    if (known !== undefined) return known
    const row = await this.#reader
      .selectFrom("project")
      .select("id")
      .where("org_id", "=", orgId)
      .where("slug", "=", slug)
      .executeTakeFirst()
    if (row === undefined) return undefined
    this.#idsBySlug.set(slugKey(orgId, slug), row.id)
    return await this.get(row.id)
  }

  /** A write in this process changed the project: the next reader catches up first. */
  markBehind(projectId: string): void {
    this.#behind.add(projectId)
  }

  /** Brings the project to what the database holds now. `undefined` when it is gone. */
  async catchUp(projectId: string): Promise<ProjectSnapshot | undefined> {
    const underWay = this.#catchingUp.get(projectId)
    // A catch-up under way may have read the revision too early for this caller: wait for it, then look again.
    if (underWay !== undefined) await underWay.catch(() => undefined)
    const again = this.#catchingUp.get(projectId)
    if (again !== undefined) return await again
    this.#behind.delete(projectId)
    const catching = this.#loadNewer(projectId).finally(() => this.#catchingUp.delete(projectId))
    this.#catchingUp.set(projectId, catching)
    return await catching
  }

  async #loadNewer(projectId: string): Promise<ProjectSnapshot | undefined> {
    const old = this.#snapshots.get(projectId)
    const next = old === undefined ? await this.#loadAll(projectId) : await this.#follow(old)
    if (old !== undefined) this.#weightBytes -= weightOfSnapshot(old)
    if (next === undefined) {
      this.#snapshots.delete(projectId)
      return undefined
    }
    this.#weightBytes += weightOfSnapshot(next)
    this.#snapshots.set(projectId, next)
    this.#forgetOldest(projectId)
    return next
  }

  /**
   * The structure as `db` has it; `undefined` when there is no such project. Its id may live again after a deletion, under
   * another data key: what was known of the old one is forgotten, in every process, before anything is sealed or opened.
   */
  async loadStructure(db: Reader, projectId: string): Promise<ProjectStructure | undefined> {
    const structure = await loadStructure(db, projectId)
    this.#keyring.forgetProject(projectId)
    return structure
  }

  async #loadAll(projectId: string): Promise<ProjectSnapshot | undefined> {
    const structure = await this.loadStructure(this.#reader, projectId)
    if (structure === undefined) return undefined
    return this.#snapshot(structure, structure.project.revision, noFolders())
  }

  async #follow(old: ProjectSnapshot): Promise<ProjectSnapshot | undefined> {
    // One statement, one view: how far the feed reaches back belongs to the changes that were found.
    const rows = await this.#reader
      .selectFrom("project as p")
      .leftJoin("change_floor as f", "f.project_id", "p.id")
      .leftJoin("change as c", (join) =>
        join.onRef("c.project_id", "=", "p.id").on("c.revision", ">", old.revision),
      )
      .select(["p.revision", "f.revision as floor", "c.kind", "c.folder_id"])
      .select(fewKeys)
      .where("p.id", "=", old.id)
      .where("p.is_hidden", "=", 0)
      .limit(maxChangesToFollow)
      .execute()
    const [row] = rows
    if (row === undefined) return undefined
    const isCut = old.revision < (row.floor ?? 0)
    const isTooFar = rows.length >= maxChangesToFollow || row.revision < old.revision || isCut
    const changes = rows.flatMap(({ kind, folder_id, keys }) =>
      kind === null ? [] : { kind, folder_id, keys },
    )
    if (isTooFar || changes.some((change) => !leavesStructure(change.kind))) {
      const structure = await this.loadStructure(this.#reader, old.id)
      if (structure === undefined) return undefined
      return this.#snapshot(structure, row.revision, isTooFar ? noFolders() : unchangedFolders(old, changes))
    }
    return this.#snapshot(old.structure, row.revision, changedFolders(old, changes))
  }

  #snapshot(structure: ProjectStructure, revision: number, folders: KnownFolders): ProjectSnapshot {
    const projectId = structure.project.id
    const { loaded, outdated } = folders
    const snapshot = new ProjectSnapshot(structure, revision, folders, async (folderIds) => {
      for (const [folderId, secrets] of await this.#loadSecrets(projectId, folderIds, outdated)) {
        if (loaded.has(folderId)) continue
        const weightBefore = outdated.get(folderId)?.before.weightBytes ?? 0
        outdated.delete(folderId)
        loaded.set(folderId, secrets)
        if (this.#snapshots.get(projectId) === snapshot)
          this.#weightBytes += secrets.weightBytes - weightBefore
      }
      this.#forgetOldest(projectId)
    })
    return snapshot
  }

  async #loadSecrets(
    projectId: string,
    folderIds: readonly string[],
    outdated: KnownFolders["outdated"],
  ): Promise<ReadonlyMap<string, FolderSecrets>> {
    const [reader, keyring] = [this.#reader, this.#keyring]
    const followed = new Map<string, FolderSecrets>()
    for (const folderId of folderIds) {
      const folder = outdated.get(folderId)
      if (folder === undefined) continue
      const at = { projectId, folderId, keys: folder.keys }
      followed.set(folderId, await loadChangedSecrets(reader, keyring, folder.before, at))
    }
    const unknown = folderIds.filter((id) => !followed.has(id))
    if (unknown.length === 0) return followed
    const found = await loadFolderSecrets(reader, keyring, { projectId, folderIds: unknown })
    return new Map([...followed, ...found])
  }

  #forgetOldest(except: string): void {
    while (this.#weightBytes > maxWeightBytes && this.#snapshots.size > 1) {
      const oldest = this.#snapshots.deleteOldest()
      if (oldest === undefined || oldest[0] === except) return
      this.#weightBytes -= weightOfSnapshot(oldest[1])
    }
  }
}

function slugKey(orgId: string, slug: string): string {
  return `${orgId}/${slug}`
}

/** Many keys are not worth the reading: of their folder all is loaded anew. */
const fewKeys = sql<string | null>`case when length(c.keys) <= 10000 then c.keys end`.as("keys")

type FolderChange = { readonly folder_id: string | null; readonly keys: string | null }

function noFolders(): KnownFolders {
  return { loaded: new Map(), outdated: new Map() }
}

/** Those of which nothing changed. */
function unchangedFolders({ folders }: ProjectSnapshot, changes: readonly FolderChange[]): KnownFolders {
  const next = { loaded: new Map(folders.loaded), outdated: new Map(folders.outdated) }
  for (const { folder_id: id } of changes) {
    if (id === null) continue
    next.loaded.delete(id)
    next.outdated.delete(id)
  }
  return next
}

/** As {@link unchangedFolders}, and those of which a few secrets changed, to be followed when they are asked for. */
function changedFolders({ folders }: ProjectSnapshot, changes: readonly FolderChange[]): KnownFolders {
  const next = { loaded: new Map(folders.loaded), outdated: new Map(folders.outdated) }
  for (const { folder_id: id, keys: text } of changes) {
    if (id === null) continue
    const outdated = next.outdated.get(id)
    const before = next.loaded.get(id) ?? outdated?.before
    next.loaded.delete(id)
    next.outdated.delete(id)
    if (before === undefined || text === null) continue
    const changed = JSON.parse(text) as readonly string[]
    const keys = new Set([...(outdated?.keys ?? []), ...changed])
    const areFew = keys.size <= Math.min(maxKeysToFollow, before.byKey.size / 2)
    if (changed.length > 0 && areFew) next.outdated.set(id, { before, keys })
  }
  return next
}

function weightOfSnapshot(snapshot: ProjectSnapshot): number {
  let bytes = snapshot.structure.folders.size * 300 + 1_000
  const { loaded, outdated } = snapshot.folders
  for (const secrets of loaded.values()) bytes += secrets.weightBytes
  for (const { before } of outdated.values()) bytes += before.weightBytes
  return bytes
}
