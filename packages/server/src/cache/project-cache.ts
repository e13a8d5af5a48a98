import { chunksOf } from "../db/chunks.ts"
import type { Reader } from "../db/database.ts"
import type { Keyring } from "../keyring/keyring.ts"
import { BoundedMap } from "./bounded-map.ts"
import { loadStructure, type ProjectStructure } from "./project-structure.ts"
import { type FolderSecrets, loadFolderSecrets } from "./secret-record.ts"

const maxProjects = 2_000
const maxWeightBytes = 48 * 1024 * 1024
/** With more changes than this to catch up with, loading the project anew is cheaper. */
const maxChangesToFollow = 2_000
const contentKinds: ReadonlySet<string> = new Set(["secret:create", "secret:update", "secret:delete"])

const foldersPerStatement = 100

/** Puts the secrets of every one of these folders into the snapshot's `loaded`. */
type LoadSecrets = (folderIds: readonly string[]) => Promise<void>

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
  readonly loaded: Map<string, FolderSecrets>
  readonly #load: LoadSecrets
  readonly #loading = new Map<string, Promise<FolderSecrets>>()

  constructor(
    structure: ProjectStructure,
    revision: number,
    loaded: Map<string, FolderSecrets>,
    load: LoadSecrets,
  ) {
    this.structure = structure
    this.revision = revision
    this.loaded = loaded
    this.#load = load
  }

  get id(): string {
    return this.structure.project.id
  }

  /** The secrets of a folder of this project; not a promise when they are in memory. */
  secretsOf(folderId: string): FolderSecrets | Promise<FolderSecrets> {
    return this.loaded.get(folderId) ?? this.#loadOnce(folderId)
  }

  /** Loads what is not in memory yet of the secrets of these folders, those of many with one statement. */
  async loadSecretsOf(folderIds: readonly string[]): Promise<void> {
    const missing = folderIds.filter((id) => !this.loaded.has(id) && !this.#loading.has(id))
    for (const chunk of chunksOf(missing, foldersPerStatement)) await this.#load(chunk)
  }

  #loadOnce(folderId: string): Promise<FolderSecrets> {
    const underWay = this.#loading.get(folderId)
    if (underWay !== undefined) return underWay
    const loading = this.#load([folderId])
      .then(() => this.loaded.get(folderId) ?? { byKey: new Map(), weightBytes: 0 })
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
    return this.#snapshot(structure, structure.project.revision, new Map())
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
      .where("p.id", "=", old.id)
      .where("p.is_hidden", "=", 0)
      .limit(maxChangesToFollow)
      .execute()
    const [row] = rows
    if (row === undefined) return undefined
    const isCut = old.revision < (row.floor ?? 0)
    const isTooFar = rows.length >= maxChangesToFollow || row.revision < old.revision || isCut
    const changes = rows.flatMap(({ kind, folder_id }) => (kind === null ? [] : { kind, folder_id }))
    if (isTooFar || changes.some((change) => !leavesStructure(change.kind))) {
      const structure = await this.loadStructure(this.#reader, old.id)
      if (structure === undefined) return undefined
      const kept = isTooFar ? new Map<string, FolderSecrets>() : unchangedFolders(old, changes)
      return this.#snapshot(structure, row.revision, kept)
    }
    return this.#snapshot(old.structure, row.revision, unchangedFolders(old, changes))
  }

  #snapshot(
    structure: ProjectStructure,
    revision: number,
    loaded: Map<string, FolderSecrets>,
  ): ProjectSnapshot {
    const projectId = structure.project.id
    const snapshot = new ProjectSnapshot(structure, revision, loaded, async (folderIds) => {
      const found = await loadFolderSecrets(this.#reader, this.#keyring, { projectId, folderIds })
      for (const [folderId, secrets] of found) {
        if (loaded.has(folderId)) continue
        loaded.set(folderId, secrets)
        if (this.#snapshots.get(projectId) === snapshot) this.#weightBytes += secrets.weightBytes
      }
      this.#forgetOldest(projectId)
    })
    return snapshot
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

function unchangedFolders(
  old: ProjectSnapshot,
  changes: readonly { readonly folder_id: string | null }[],
): Map<string, FolderSecrets> {
  const kept = new Map(old.loaded)
  for (const change of changes) if (change.folder_id !== null) kept.delete(change.folder_id)
  return kept
}

function weightOfSnapshot(snapshot: ProjectSnapshot): number {
  let bytes = snapshot.structure.folders.size * 300 + 1_000
  for (const secrets of snapshot.loaded.values()) bytes += secrets.weightBytes
  return bytes
}
