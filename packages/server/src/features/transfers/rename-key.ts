import type { Session } from "../../actor.ts"
import { findFolder } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { FoldersDeps } from "../folders/index.ts"
import { requireEnvironment } from "../project-access/index.ts"
import {
  atDesk,
  auditWrite,
  authorizeSecret,
  type Desk,
  findAt,
  type Spot,
  updateAt,
} from "../secrets/index.ts"
import { requireNoConflicts } from "./conflicts.ts"

/**
 * Gives a secret a new name in several environments at once, all or none; ids and histories stay.
 *
 * @returns the slugs of the environments where it was renamed, in their order
 * @throws AppError "not-found" where it is missing; "invalid" naming every environment where the name is taken
 */
export async function renameKey(
  deps: FoldersDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly path: string
    readonly key: string
    readonly newKey: string
    /** Slugs; `undefined` for every environment that has the key, and then the caller may edit it in all of them. */
    readonly environments: readonly string[] | undefined
  },
): Promise<readonly string[]> {
  const project = { kind: "id", id: input.projectId } as const
  return await atDesk(deps, session, project, ["edit"], async (desk) => {
    const { key, newKey } = input
    if (key === newKey) throw new AppError("invalid", "UpdateSecret", "The new name is the old one")
    const spots = await spotsWithKey(desk, input)
    const conflicts = []
    for (const spot of spots) {
      if ((await findAt(desk, spot, null, [newKey])).size === 0) continue
      conflicts.push({ environment: spot.environment.slug, secretPath: input.path, secretKey: newKey })
    }
    requireNoConflicts("fail", conflicts)
    for (const spot of spots) {
      const batch = { mode: "failOnNotFound", secrets: [{ key, type: "shared", newKey }] } as const
      const written = await updateAt(desk, spot, batch)
      auditWrite(desk, "update", { environment: spot.environment.slug, path: input.path }, written)
    }
    return spots.map((spot) => spot.environment.slug)
  })
}

/** Asks for the right to both names, also where the key is missing: the answer must not tell where it is. */
async function spotsWithKey(
  desk: Desk,
  input: {
    readonly path: string
    readonly key: string
    readonly newKey: string
    readonly environments: readonly string[] | undefined
  },
): Promise<readonly Spot[]> {
  const { structure } = desk.write
  const { path, key, newKey } = input
  const wanted = input.environments?.map((slug) => requireEnvironment(structure, slug).slug)
  const found: Spot[] = []
  for (const environment of structure.environments) {
    if (wanted !== undefined && !wanted.includes(environment.slug)) continue
    const folder = findFolder(structure, environment.id, path)
    const spot = folder === undefined ? undefined : { environment, folder }
    const record = spot === undefined ? undefined : (await findAt(desk, spot, null, [key])).get(key)
    const tagIds = record?.tagIds ?? []
    for (const name of [key, newKey]) {
      authorizeSecret(desk, "edit", { environment: environment.slug, path }, { key: name, tagIds })
    }
    if (spot !== undefined && record !== undefined) found.push(spot)
    else if (wanted !== undefined) throw missing(key, environment.slug)
  }
  if (found.length === 0) throw missing(key, "any")
  return found
}

function missing(key: string, environment: string): AppError {
  const where = environment === "any" ? "in any environment" : `in environment '${environment}'`
  return new AppError("not-found", "NotFound", `Secret with name '${key}' not found ${where}`)
}
