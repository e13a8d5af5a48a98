import type { Session } from "../../actor.ts"
import type { ProjectStructure, TagRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { answerRead, type ProjectWrite, writeInProject } from "../../use-case/index.ts"
import { authorize, requireNoneUncovered } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { type SecretsDeps, takeTagOffSecrets } from "../secrets/index.ts"
import { insertTag, removeTag, updateTag } from "./store.ts"

export type TagsDeps = SecretsDeps

/** How a request names a tag. */
export type TagRef =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "slug"; readonly slug: string }

/** The tags of a project by slug. */
export async function listTags(
  deps: TagsDeps,
  session: Session,
  projectId: string,
): Promise<readonly TagRecord[]> {
  return await answerRead(deps, session, async (scope) => {
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "read", "tags", { projectId, now: scope.now })
    const tags = [...structure.tags.values()].sort((left, right) => (left.slug < right.slug ? -1 : 1))
    scope.audit("get-tags", projectId, { numberOfTags: tags.length })
    return tags
  })
}

/** @throws AppError "not-found" when the project has no such tag; the command line then creates it (gotcha 39) */
export async function getTag(
  deps: TagsDeps,
  session: Session,
  projectId: string,
  ref: TagRef,
): Promise<TagRecord> {
  return await answerRead(deps, session, async (scope) => {
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "read", "tags", { projectId, now: scope.now })
    const tag = requireTag(structure, ref)
    scope.audit("get-tag", projectId, { tagId: tag.id, slug: tag.slug })
    return tag
  })
}

/** @throws AppError "invalid" when the slug is taken */
export async function createTag(
  deps: TagsDeps,
  session: Session,
  projectId: string,
  input: { readonly slug: string; readonly color: string | null },
): Promise<TagRecord> {
  return await writeInProject(deps, session, projectId, async (write) => {
    authorize(write.actor, "create", "tags", { projectId, now: write.now })
    requireFreeSlug(write.structure, input.slug)
    const times = { createdAt: write.now, updatedAt: write.now }
    const tag = { ...input, ...times, id: deps.random.uuid(), createdBy: write.actor.id }
    await insertTag(write.db, projectId, tag)
    record(write, "create-tag", tag)
    return tag
  })
}

/**
 * Renames or recolors a tag; secrets keep it. A field that is left out is unchanged.
 * @throws AppError "forbidden" when rules of the caller's own hide secrets by the old slug
 */
export async function changeTag(
  deps: TagsDeps,
  session: Session,
  projectId: string,
  input: {
    readonly tagId: string
    readonly slug: string | undefined
    readonly color: string | null | undefined
  },
): Promise<TagRecord> {
  return await writeInProject(deps, session, projectId, async (write) => {
    const at = { projectId, now: write.now }
    authorize(write.actor, "edit", "tags", at)
    const old = requireTag(write.structure, { kind: "id", id: input.tagId })
    const slug = input.slug ?? old.slug
    if (slug !== old.slug) {
      requireNoneUncovered(write.actor, at, { secretTags: [old.slug] }, { secretTags: [slug] })
      requireFreeSlug(write.structure, slug)
    }
    const color = input.color === undefined ? old.color : input.color
    const tag = { ...old, slug, color, updatedAt: write.now }
    await updateTag(write.db, projectId, tag)
    record(write, "update-tag", tag)
    return tag
  })
}

/**
 * Deletes a tag and takes it off every secret; the versions of the past keep its id.
 * @throws AppError "forbidden" when rules of the caller's own hide secrets by it
 */
export async function deleteTag(
  deps: TagsDeps,
  session: Session,
  projectId: string,
  tagId: string,
): Promise<TagRecord> {
  return await writeInProject(deps, session, projectId, async (write) => {
    const at = { projectId, now: write.now }
    authorize(write.actor, "delete", "tags", at)
    const tag = requireTag(write.structure, { kind: "id", id: tagId })
    requireNoneUncovered(write.actor, at, { secretTags: [tag.slug] }, { secretTags: [] })
    await takeTagOffSecrets(write.db, projectId, tagId)
    await removeTag(write.db, projectId, tagId)
    record(write, "delete-tag", tag)
    return tag
  })
}

function record(
  write: ProjectWrite,
  type: "create-tag" | "update-tag" | "delete-tag",
  tag: Pick<TagRecord, "id" | "slug">,
): void {
  write.audit(type, { tagId: tag.id, slug: tag.slug })
  write.change({ kind: "tag" })
}

function requireTag(structure: ProjectStructure, ref: TagRef): TagRecord {
  const tag =
    ref.kind === "id"
      ? structure.tags.get(ref.id)
      : [...structure.tags.values()].find((one) => one.slug === ref.slug)
  if (tag !== undefined) return tag
  const which = ref.kind === "id" ? `ID '${ref.id}'` : `slug '${ref.slug}'`
  throw new AppError("not-found", "NotFound", `Tag with ${which} not found`)
}

function requireFreeSlug(structure: ProjectStructure, slug: string): void {
  if ([...structure.tags.values()].every((tag) => tag.slug !== slug)) return
  throw new AppError("invalid", "BadRequest", `Tag with slug '${slug}' already exists in this project`)
}
