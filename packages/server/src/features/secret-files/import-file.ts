import type { ConflictMode } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { FolderMaker, type FoldersDeps } from "../folders/index.ts"
import { requireEnvironment } from "../project-access/index.ts"
import {
  atDesk,
  type Desk,
  findAt,
  holdsContent,
  type Spot,
  type WrittenSecret,
  writeSecrets,
  writtenInEvent,
} from "../secrets/index.ts"
import { requireNoConflicts } from "../transfers/index.ts"
import type { FolderEntries } from "./entries.ts"

type Placed = { readonly secretPath: string; readonly secretKey: string }

/** What a file and a folder have to do with each other. */
export type ImportReport = {
  readonly created: readonly Placed[]
  readonly changed: readonly Placed[]
  readonly unchanged: readonly Placed[]
  readonly foldersCreated: readonly string[]
}

/** Where a file is read into. */
export type ImportPlace = {
  readonly projectId: string
  readonly environment: string
  readonly path: string
}

/**
 * Writes what a file holds, all or nothing; folders that are missing are made. A secret that has the value already
 * gets no new version.
 *
 * @throws AppError "invalid" naming every secret that has another value, when conflicts are to fail
 */
export async function importFile(
  deps: FoldersDeps,
  session: Session,
  input: ImportPlace & { readonly folders: readonly FolderEntries[]; readonly onConflict: ConflictMode },
): Promise<ImportReport> {
  const project = { kind: "id", id: input.projectId } as const
  return await atDesk(deps, session, project, ["create"], async (desk) => {
    const environment = requireEnvironment(desk.write.structure, input.environment)
    const maker = new FolderMaker(deps.random, desk.write)
    const places: { readonly spot: Spot; readonly secrets: readonly WrittenSecret[] }[] = []
    const unchanged: Placed[] = []
    for (const { path, secrets } of input.folders) {
      const spot = { environment, folder: await maker.ensure(environment, path) }
      const same = await sameKeys(desk, spot, secrets)
      places.push({ spot, secrets: secrets.filter(({ key }) => !same.has(key)) })
      unchanged.push(...[...same].map((secretKey) => ({ secretPath: path, secretKey })))
    }
    const { created, overwritten, skipped } = await writeSecrets(desk, places, {
      onConflict: input.onConflict,
      judge: (conflicts) => requireNoConflicts(input.onConflict, conflicts),
    })
    desk.write.audit("import-secrets", {
      environment: environment.slug,
      secretPath: input.path,
      ...writtenInEvent({ created, overwritten }),
      numberOfSkipped: skipped.length,
      numberOfUnchanged: unchanged.length,
    })
    return { created, changed: [...overwritten, ...skipped], unchanged, foldersCreated: maker.made }
  })
}

/** The keys whose secrets say what the file says, as far as the caller may read them. */
async function sameKeys(
  desk: Desk,
  spot: Spot,
  secrets: readonly WrittenSecret[],
): Promise<ReadonlySet<string>> {
  const keys = secrets.map(({ key }) => key)
  const known = await findAt(desk, spot, null, keys)
  const same = secrets.filter((secret) => {
    const record = known.get(secret.key)
    return record !== undefined && holdsContent(desk, spot, record, secret)
  })
  return new Set(same.map(({ key }) => key))
}
