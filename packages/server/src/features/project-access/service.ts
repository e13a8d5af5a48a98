import type { Actor, Session } from "../../actor.ts"
import type { ProjectSnapshot } from "../../cache/index.ts"
import type { Reader } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { otherOrganization, projectNotFound, type ReadDeps, type ReadScope } from "../../use-case/index.ts"
import { requireMember } from "../authorization/index.ts"
import { closestSlug } from "./closest-slug.ts"
import { findRenamed, listCandidates } from "./store.ts"

/** How a request names a project; an id wins over a slug (contract 1.3). */
export type ProjectRef =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "slug"; readonly slug: string }

/**
 * @throws AppError "invalid" when a request names neither
 */
export function projectRef(id: string | undefined, slug: string | undefined): ProjectRef {
  if (id !== undefined && id !== "") return { kind: "id", id }
  if (slug !== undefined && slug !== "") return { kind: "slug", slug }
  throw new AppError("invalid", "BadRequest", "You must provide workspaceSlug or workspaceId")
}

/**
 * The project a member reads from.
 *
 * @throws AppError "not-found" when there is none, "forbidden" when it is another organization's or the actor is not
 * a member (contract 3.1)
 */
export function projectForRead(
  scope: ReadScope,
  ref: ProjectRef,
): ProjectSnapshot | Promise<ProjectSnapshot> {
  const found = ref.kind === "id" ? scope.projectById(ref.id) : scope.projectBySlug(ref.slug)
  if (found instanceof Promise) return found.then((snapshot) => requireReadable(scope, ref, snapshot))
  return found === undefined
    ? notFound(scope.reader, scope.session.actor, ref)
    : requireReadable(scope, ref, found)
}

function requireReadable(
  scope: ReadScope,
  ref: ProjectRef,
  snapshot: ProjectSnapshot | undefined,
): ProjectSnapshot | Promise<ProjectSnapshot> {
  const { actor } = scope.session
  if (snapshot === undefined) return notFound(scope.reader, actor, ref)
  if (snapshot.structure.project.orgId !== actor.orgId) throw otherOrganization()
  requireMember(actor, snapshot.id)
  return snapshot
}

/** The id of the project that a write names; the write itself judges existence and rights under its lock. */
export async function projectIdForWrite(deps: ReadDeps, session: Session, ref: ProjectRef): Promise<string> {
  if (ref.kind === "id") return ref.id
  const snapshot = await deps.projects.getBySlug(session.actor.orgId, ref.slug)
  if (snapshot === undefined) return await notFound(deps.database.reader, session.actor, ref)
  return snapshot.id
}

/** Says which slug was probably meant, but only among projects the actor belongs to. */
async function notFound(reader: Reader, actor: Actor, ref: ProjectRef): Promise<never> {
  if (ref.kind === "id") throw projectNotFound(ref.id)
  const projectIds = [...actor.memberships.keys()]
  const { orgId } = actor
  const meant =
    (await findRenamed(reader, { orgId, slug: ref.slug, projectIds })) ??
    closestSlug(ref.slug, await listCandidates(reader, { orgId, projectIds }))
  const hint = meant === undefined ? "" : `; did you mean slug '${meant}'?`
  throw new AppError("not-found", "NotFound", `Project with slug '${ref.slug}' not found${hint}`)
}
