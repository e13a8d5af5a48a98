import type { Session } from "../../actor.ts"
import { findFolder } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { TimeSlices } from "../../time-slices.ts"
import { answerRead } from "../../use-case/index.ts"
import { authorize, requireAnywhere } from "../authorization/index.ts"
import { type ProjectRef, projectForRead, requireEnvironment } from "../project-access/index.ts"
import type { OpenedSecret } from "./domain.ts"
import { type Effective, sharedOnly } from "./effective-secrets.ts"
import { filterSecrets, type SecretFilter } from "./filters.ts"
import { type ImportEntry, importsOf, sourcesOf } from "./imports.ts"
import {
  type FolderView,
  openIfAllowed,
  type Reading,
  resourceOf,
  type SecretsDeps,
  seedOf,
  viewProject,
} from "./reading.ts"
import { type Found, References } from "./resolve-references.ts"

/** What one import shows to a caller; what lies behind it counts as its own. */
export type OpenedImport = {
  readonly path: string
  readonly environment: string
  /** `undefined` when the imported folder is missing. */
  readonly folderId: string | undefined
  readonly secrets: readonly OpenedSecret[]
}

export type ImportedListing = {
  readonly viewValue: boolean
  readonly filter: SecretFilter
  readonly references: References
  readonly slices: TimeSlices
  readonly effective: Effective
}

/**
 * What a folder imports, without its own secrets; a missing folder imports nothing.
 *
 * @throws AppError "forbidden" without the right to read the imports of this folder, or the value a reference needs
 */
export async function listImportedSecrets(
  deps: SecretsDeps,
  session: Session,
  input: {
    readonly project: ProjectRef
    readonly environment: string
    readonly path: string
    readonly expand: boolean
    readonly viewValue: boolean
  },
): Promise<Reading<readonly OpenedImport[]>> {
  return await answerRead(deps, session, async (scope) => {
    const snapshot = await projectForRead(scope, input.project)
    const { actor } = scope.session
    const at = { projectId: snapshot.id, now: scope.now }
    const resource = { environment: input.environment, secretPath: input.path }
    authorize(actor, "read", "secret-imports", { ...at, resource })
    requireAnywhere(actor, "describeSecret", "secrets", at)
    const view = await viewProject(deps, scope, snapshot)
    const environment = requireEnvironment(snapshot.structure, input.environment)
    const folder = findFolder(snapshot.structure, environment.id, input.path)
    const places = folder === undefined ? [] : [{ view, environment, folder }]
    const slices = new TimeSlices()
    const references = new References(deps, scope, { slices, effective: sharedOnly, isWanted: input.expand })
    const filter = { tagSlugs: [], metadata: [] }
    const { viewValue } = input
    const listing = { viewValue, filter, references, slices, effective: sharedOnly }
    const imports = await listImported(places, listing)
    scope.audit("get-secrets", snapshot.id, {
      environment: environment.slug,
      secretPath: input.path,
      numberOfSecrets: 0,
      ...importAuditFields(imports),
      ...references.auditFields(snapshot.id),
    })
    references.auditOtherProjects(snapshot.id)
    return { seed: seedOf(scope, references.missing), found: imports }
  })
}

const maxSourcesInLog = 100

/** What the event of an answer says about the imports in it. */
export function importAuditFields(imports: readonly OpenedImport[]): {
  readonly imports?: readonly string[]
  readonly numberOfImportedSecrets?: number
} {
  if (imports.length === 0) return {}
  return {
    imports: imports.slice(0, maxSourcesInLog).map((one) => `${one.environment}:${one.path}`),
    numberOfImportedSecrets: imports.reduce((sum, one) => sum + one.secrets.length, 0),
  }
}

/** More would take too much memory: a secret counts each time that it is shown, and a few folders can show it often. */
const maxImported = { secrets: 50_000, characters: 64 * 1024 * 1024 }

/** What the imports of one answer may still show. */
type ImportBudget = { secrets: number; characters: number }

/**
 * The imports of folders, in the order of the folders and of the positions. Where the caller may not read, nothing is
 * shown: neither the secret nor, when all of it is closed, the import.
 *
 * @throws AppError "invalid" when there are too many, "forbidden" when a value refers to what may not be read
 */
export async function listImported(
  places: readonly FolderView[],
  listing: ImportedListing,
): Promise<readonly OpenedImport[]> {
  const imports: OpenedImport[] = []
  const budget = { ...maxImported }
  for (const place of places) {
    for (const entry of importsOf(place)) {
      const found = await listEntry(entry, place, { ...listing, budget })
      if (found.length === 0 && !isOpen(entry, place)) continue
      imports.push({
        path: entry.record.importPath,
        environment: entry.environment.slug,
        folderId: entry.folder?.id,
        secrets: await listing.references.resolveAll(found),
      })
    }
  }
  return imports
}

/** May the caller look into the imported folder as a whole? */
function isOpen({ environment, record }: ImportEntry, { view }: FolderView): boolean {
  return view.mayDescribe({ environment: environment.slug, secretPath: record.importPath }) !== undefined
}

async function listEntry(
  entry: ImportEntry,
  importer: FolderView,
  { viewValue, filter, slices, effective, budget }: ImportedListing & { readonly budget: ImportBudget },
): Promise<readonly Found[]> {
  const found: Found[] = []
  const seen = new Set<string>()
  for (const { place, through } of sourcesOf(entry, importer)) {
    const { snapshot } = place.view
    const { byKey } = await snapshot.secretsOf(place.folder.id)
    for (const record of filterSecrets([...byKey.values()], filter, snapshot.structure.tags)) {
      const pause = slices.spend()
      if (pause !== undefined) await pause
      if (
        seen.has(record.key) ||
        (viewValue && place.view.mayReadValue(resourceOf(place, record)) === undefined)
      ) {
        continue
      }
      const secret = openIfAllowed(place, await effective(place, record), viewValue)
      if (secret === undefined) continue
      seen.add(record.key)
      found.push({ secret, at: [place, ...through, importer] })
      spend(budget, secret)
    }
  }
  return found
}

/** @throws AppError "invalid" when the budget is spent */
function spend(budget: ImportBudget, { value = "", comment, metadata }: OpenedSecret): void {
  budget.secrets -= 1
  budget.characters -= value.length + comment.length
  for (const pair of metadata) budget.characters -= pair.key.length + pair.value.length
  if (budget.secrets >= 0 && budget.characters >= 0) return
  const { secrets, characters } = maxImported
  throw new AppError(
    "invalid",
    "BadRequest",
    `The imports show more than ${secrets} secrets, or more than ${characters} characters; list the folders one by one`,
  )
}
