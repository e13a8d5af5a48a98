import type { ConflictMode } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { folderWithDescendants, type SecretRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { authorizeFolder, FolderMaker, type FoldersDeps, parentPathOf } from "../folders/index.ts"
import { requireEnvironment } from "../project-access/index.ts"
import {
  atDesk,
  authorizeSecret,
  type Desk,
  type FolderRef,
  listSecretsInFolders,
  revealForCopy,
  type Spot,
  spotFor,
  type WrittenSecret,
  writeSecrets,
  writtenInEvent,
} from "../secrets/index.ts"
import { requireNoConflicts } from "./conflicts.ts"

export type Placed = { readonly secretPath: string; readonly secretKey: string }

export type CopyReport = {
  readonly created: readonly Placed[]
  readonly overwritten: readonly Placed[]
  readonly skipped: readonly Placed[]
  readonly foldersCreated: readonly string[]
}

/**
 * Copies secrets to another folder, all or none: values, comments, metadata and tags, under new ids; with `recursive`
 * also what lies below, in folders of the same names. Overrides and imports stay behind. What is overwritten keeps its
 * id and gets a new version.
 *
 * @throws AppError "not-found" for a place or an id that is missing; "invalid" naming every conflict at once
 */
export async function copySecrets(
  deps: FoldersDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly source: FolderRef
    readonly destination: FolderRef
    readonly secretIds: readonly string[] | undefined
    readonly recursive: boolean
    readonly onConflict: ConflictMode
  },
): Promise<CopyReport> {
  const project = { kind: "id", id: input.projectId } as const
  return await atDesk(deps, session, project, ["create", "readValue"], async (desk) => {
    const source = spotFor(desk, "readValue", input.source, [""])
    requireApart(input)
    const maker = new FolderMaker(deps.random, desk.write)
    const environment = requireEnvironment(desk.write.structure, input.destination.environment)
    const copies: { readonly spot: Spot; readonly secrets: readonly WrittenSecret[] }[] = []
    const chosen = await recordsByFolder(desk, source, input)
    requireKnowable(desk, input.source, chosen)
    for (const [from, records] of chosen) {
      const below = from.folder.path.slice(source.folder.path === "/" ? 0 : source.folder.path.length)
      const folder = await maker.ensure(environment, joined(input.destination.path, below))
      const secrets = records.map((record) => revealForCopy(desk, from, record))
      copies.push({ spot: { environment, folder }, secrets })
    }
    const result = await writeSecrets(desk, copies, {
      onConflict: input.onConflict,
      judge: (conflicts) => requireNoConflicts(input.onConflict, conflicts),
    })
    const report = { ...result, foldersCreated: maker.made }
    audit(desk, input, report)
    return report
  })
}

/** Rights are asked for per secret; where there is none, an answer would still tell of folders, and that all are empty. */
function requireKnowable(
  desk: Desk,
  source: FolderRef,
  chosen: readonly (readonly [Spot, readonly SecretRecord[]])[],
): void {
  if (chosen.every(([, records]) => records.length === 0)) {
    authorizeSecret(desk, "readValue", source, { key: "", tagIds: [] })
  }
  for (const [{ environment, folder }] of chosen) {
    if (folder.path !== source.path)
      authorizeFolder(desk.write, "read", environment, parentPathOf(folder.path))
  }
}

function requireApart(input: {
  readonly source: FolderRef
  readonly destination: FolderRef
  readonly recursive: boolean
}): void {
  const { source, destination } = input
  if (source.environment !== destination.environment) return
  const below = source.path === "/" ? "/" : `${source.path}/`
  const isInside = input.recursive && destination.path.startsWith(below)
  if (source.path !== destination.path && !isInside) return
  throw new AppError("invalid", "BadRequest", "The destination is, or lies in, the folder that is copied")
}

/** The shared secrets to copy, by folder, those above first. */
async function recordsByFolder(
  desk: Desk,
  source: Spot,
  input: { readonly secretIds: readonly string[] | undefined; readonly recursive: boolean },
): Promise<readonly (readonly [Spot, readonly SecretRecord[]])[]> {
  const { write, deps } = desk
  const { projectId } = write
  const folders = input.recursive ? folderWithDescendants(write.structure, source.folder) : [source.folder]
  const folderIds = folders.map((folder) => folder.id)
  const all = await listSecretsInFolders(write.db, deps.keyring, { projectId, folderIds })
  const shared = all.filter((record) => record.userId === null)
  const ids = input.secretIds
  const missing = ids?.filter((id) => !shared.some((record) => record.id === id)) ?? []
  if (missing.length > 0) {
    throw new AppError("not-found", "NotFound", `Secrets with ID '${missing.join("', '")}' not found there`)
  }
  const chosen = ids === undefined ? shared : shared.filter((record) => ids.includes(record.id))
  const byFolder = Map.groupBy(chosen, (record) => record.folderId)
  return folders
    .filter((folder) => ids === undefined || byFolder.has(folder.id))
    .map((folder) => [{ environment: source.environment, folder }, byFolder.get(folder.id) ?? []])
}

function joined(path: string, below: string): string {
  if (below === "" || below === "/") return path
  return path === "/" ? below : path + below
}

function audit(
  { write }: Desk,
  input: { readonly source: FolderRef; readonly destination: FolderRef },
  report: CopyReport,
): void {
  write.audit("copy-secrets", {
    sourceEnvironment: input.source.environment,
    sourceSecretPath: input.source.path,
    destinationEnvironment: input.destination.environment,
    destinationSecretPath: input.destination.path,
    ...writtenInEvent(report),
  })
}
