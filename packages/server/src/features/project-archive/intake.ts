/** Takes the records of an archive one after the other, checks each, and hands them on in batches of bounded size. */
import {
  type ArchiveCounts,
  type ArchiveEntry,
  type ArchiveEntryOf,
  archiveEntry,
  archiveEntryKinds,
} from "@coffer/contract"
import type { ArchiveRecord } from "@coffer/project-archive"
import { AppError } from "../../errors.ts"
import { compilePolicy } from "../authorization/index.ts"
import type { IdMap } from "./ids.ts"
import { archiveRefused } from "./refusals.ts"
import { ArchivedStructure } from "./structure.ts"

/** Where checked records go, in this order: labels, then the structure, then secrets. */
export type Batches = {
  labels(of: {
    readonly users: readonly ArchiveEntryOf<"user">[]
    readonly tags: readonly ArchiveEntryOf<"tag">[]
    readonly roles: readonly ArchiveEntryOf<"role">[]
  }): Promise<void>
  structureVersions(entries: readonly ArchiveEntryOf<"environment" | "folder" | "import">[]): Promise<void>
  structure(of: ReturnType<ArchivedStructure["complete"]>): Promise<void>
  secrets(entries: readonly ArchiveEntryOf<"secret">[]): Promise<void>
}

const ranks = new Map<string, number>(archiveEntryKinds.map((kind, index) => [kind, index]))
const rankOfEnvironments = ranks.get("environment") ?? 0
const rankOfSecrets = ranks.get("secret") ?? 0
const maxLabels = 20_000
const maxBatch = 250
const maxBatchCharacters = 2 * 1024 * 1024

export class Intake {
  readonly #batches: Batches
  readonly #mapId: IdMap
  readonly #lastRevision: number
  readonly #labels = {
    users: [] as ArchiveEntryOf<"user">[],
    tags: [] as ArchiveEntryOf<"tag">[],
    roles: [] as ArchiveEntryOf<"role">[],
  }
  readonly #structure = new ArchivedStructure()
  #versions: ArchiveEntryOf<"environment" | "folder" | "import">[] = []
  #secrets: ArchiveEntryOf<"secret">[] = []
  #secretCharacters = 0
  #number = 1
  #rank = 0
  #position: readonly [number, string, number] = [0, "", 0]
  readonly #counts = { secrets: 0, personalSecrets: 0, versions: 0 }

  /** @param lastRevision no version may be newer */
  constructor(batches: Batches, of: { readonly mapId: IdMap; readonly lastRevision: number }) {
    this.#batches = batches
    this.#mapId = of.mapId
    this.#lastRevision = of.lastRevision
  }

  /** @throws AppError "invalid" naming the record and its field, never what it says */
  async take(record: ArchiveRecord): Promise<void> {
    this.#number += 1
    const entry = this.#parse(record)
    await this.#advanceTo(entry)
    const mapped = mapIds(entry, this.#mapId)
    switch (mapped.kind) {
      case "user":
        return this.#addLabel(this.#labels.users, mapped)
      case "tag":
        return this.#addLabel(this.#labels.tags, mapped)
      case "role":
        this.#requirePatterns(mapped)
        return this.#addLabel(this.#labels.roles, mapped)
      case "secret":
        return await this.#addSecret(mapped)
      default:
        this.#structure.add(mapped)
        this.#versions.push(mapped)
        if (this.#versions.length >= maxBatch) await this.#flushVersions()
    }
  }

  /** Hands on what is left. @returns how much there was */
  async finish(): Promise<ArchiveCounts> {
    await this.#enter(rankOfSecrets)
    await this.#flushSecrets()
    const { environments, folders, imports } = this.#structure
    return {
      environments: environments.size,
      folders: folders.size,
      imports: imports.size,
      tags: this.#labels.tags.length,
      roles: this.#labels.roles.length,
      ...this.#counts,
    }
  }

  #parse(record: ArchiveRecord): ArchiveEntry {
    const parsed = archiveEntry.safeParse(record)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    const field = issue?.path.map(String).join(".") || "kind"
    const what = ranks.has(record.kind) ? `record ${this.#number} (${record.kind})` : `record ${this.#number}`
    throw archiveRefused(
      `The archive cannot be imported: ${what}, ${field}: ${issue?.message ?? "is malformed"}`,
    )
  }

  /** A pattern that no rule may have would fail whoever holds the role, at every request. */
  #requirePatterns({ permissions }: ArchiveEntryOf<"role">): void {
    try {
      compilePolicy(permissions)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      throw archiveRefused(
        `The archive cannot be imported: record ${this.#number} (role), permissions: ${error.message}`,
      )
    }
  }

  /** Kinds come in their order; versions by revision, id and version, so that none can come twice. */
  async #advanceTo(entry: ArchiveEntry): Promise<void> {
    const rank = ranks.get(entry.kind) ?? 0
    if (rank < this.#rank) throw this.#outOfOrder()
    if (rank > this.#rank) {
      this.#position = [0, "", 0]
      await this.#enter(rank)
    }
    const position =
      "revision" in entry ? ([entry.revision, entry.id, entry.version] as const) : ([0, entry.id, 0] as const)
    if (!isBefore(this.#position, position)) throw this.#outOfOrder()
    this.#position = position
    if (position[0] > this.#lastRevision) {
      throw archiveRefused(`Record ${this.#number} of the archive is of a revision after the last one`)
    }
  }

  /** What came before must be in the database: what follows refers to it. */
  async #enter(rank: number): Promise<void> {
    const before = this.#rank
    this.#rank = rank
    if (before < rankOfEnvironments && rank >= rankOfEnvironments) await this.#batches.labels(this.#labels)
    if (before < rankOfSecrets && rank >= rankOfSecrets) {
      await this.#flushVersions()
      await this.#batches.structure(this.#structure.complete())
    }
  }

  #addLabel<T>(labels: T[], label: T): void {
    labels.push(label)
    if (labels.length > maxLabels) {
      throw archiveRefused(`The archive has more than ${maxLabels} users, tags or roles`)
    }
  }

  async #addSecret(secret: ArchiveEntryOf<"secret">): Promise<void> {
    const hasValue = secret.value !== null
    const mustHave = secret.current !== undefined
    if ((mustHave && !hasValue) || (secret.op === "delete" && (hasValue || mustHave))) {
      throw archiveRefused(`Record ${this.#number} of the archive has no value, or one too many`)
    }
    this.#structure.requirePlace(secret)
    this.#counts.versions += 1
    if (secret.current !== undefined) {
      if (secret.userId === null) this.#counts.secrets += 1
      else this.#counts.personalSecrets += 1
    }
    this.#secrets.push(secret)
    this.#secretCharacters += charactersOf(secret)
    if (this.#secrets.length >= maxBatch || this.#secretCharacters >= maxBatchCharacters) {
      await this.#flushSecrets()
    }
  }

  async #flushVersions(): Promise<void> {
    const versions = this.#versions
    this.#versions = []
    if (versions.length > 0) await this.#batches.structureVersions(versions)
  }

  async #flushSecrets(): Promise<void> {
    const secrets = this.#secrets
    this.#secrets = []
    this.#secretCharacters = 0
    if (secrets.length > 0) await this.#batches.secrets(secrets)
  }

  #outOfOrder(): Error {
    return archiveRefused(`Record ${this.#number} of the archive is out of order, or there twice`)
  }
}

function isBefore(
  left: readonly [number, string, number],
  right: readonly [number, string, number],
): boolean {
  if (left[0] !== right[0]) return left[0] < right[0]
  if (left[1] !== right[1]) return left[1] < right[1]
  return left[2] < right[2]
}

function charactersOf({ value, comment, metadata, reminderNote }: ArchiveEntryOf<"secret">): number {
  const inMetadata = metadata.reduce((sum, pair) => sum + pair.key.length + pair.value.length, 0)
  return (value?.length ?? 0) + comment.length + (reminderNote?.length ?? 0) + inMetadata
}

/** Ids of people and machines are those of this server's accounts, and stay. */
function mapIds(entry: ArchiveEntry, mapId: IdMap): ArchiveEntry {
  switch (entry.kind) {
    case "user":
      return entry
    case "tag":
    case "role":
    case "environment":
      return { ...entry, id: mapId(entry.id) }
    case "folder": {
      const parentId = entry.parentId === null ? null : mapId(entry.parentId)
      return { ...entry, id: mapId(entry.id), environmentId: mapId(entry.environmentId), parentId }
    }
    case "import": {
      const importEnvironmentId = mapId(entry.importEnvironmentId)
      return { ...entry, id: mapId(entry.id), folderId: mapId(entry.folderId), importEnvironmentId }
    }
    case "secret": {
      const place = { environmentId: mapId(entry.environmentId), folderId: mapId(entry.folderId) }
      return { ...entry, id: mapId(entry.id), ...place, tagIds: entry.tagIds.map(mapId) }
    }
  }
}
