/** Which rights a draft takes: those that the same changes by hand would take. */
import type { Actor } from "../../actor.ts"
import type { ProjectStructure } from "../../cache/index.ts"
import { authorize, type Resource, requireNothingRevealed } from "../authorization/index.ts"
import type { Draft, SecretDraft } from "./draft.ts"
import { type Contents, isAtHome, pathOf } from "./state.ts"

type Asker = { readonly actor: Actor; readonly now: number; readonly tags: ProjectStructure["tags"] }

/** @throws AppError "forbidden" for the first step that the actor may not take */
export function authorizeDraft(asker: Asker, draft: Draft): void {
  const { actor, now } = asker
  const { projectId, plan } = draft
  const at = { projectId, now }
  if (plan.environments.length > 0) authorize(actor, "create", "environments", at)
  for (const { was, will } of plan.folders) {
    const action = was === undefined ? "create" : will === undefined ? "delete" : "edit"
    const contents = will === undefined ? plan.now : plan.after
    const resource = placeOf(contents, (will ?? was)?.id ?? "")
    authorize(actor, action, "secret-folders", { ...at, resource })
  }
  for (const { was, will } of plan.imports) {
    const action = was === undefined ? "create" : will === undefined ? "delete" : "edit"
    const contents = will === undefined ? plan.now : plan.after
    const resource = placeOf(contents, (will ?? was)?.folderId ?? "")
    authorize(actor, action, "secret-imports", { ...at, resource })
  }
  for (const secret of draft.secrets) authorizeStep(asker, draft, secret)
}

function authorizeStep({ actor, now, tags }: Asker, draft: Draft, secret: SecretDraft): void {
  const { was, will, record } = secret
  const { projectId } = draft
  const old = was && resourceOf(draft.plan.now, was, tagSlugs(tags, record?.tagIds ?? []))
  const next = will && resourceOf(draft.plan.after, will, tagSlugs(tags, secret.tagIds))
  const isElsewhere = was !== undefined && will !== undefined && !isAtHome(was, will)
  if (old !== undefined && (will === undefined || isElsewhere)) {
    authorize(actor, "delete", "secrets", { projectId, now, resource: old })
  }
  if (old !== undefined && isElsewhere) {
    // To move a secret is to show it to those at the other place.
    authorize(actor, "readValue", "secrets", { projectId, now, resource: old })
  }
  if (old !== undefined && will !== undefined && !isElsewhere) {
    authorize(actor, "edit", "secrets", { projectId, now, resource: old })
    if (next !== undefined) requireNothingRevealed(actor, { projectId, now }, old, next)
  }
  if (next === undefined) return
  const action = was === undefined || isElsewhere ? "create" : "edit"
  authorize(actor, action, "secrets", { projectId, now, resource: next })
}

/** What rules are asked about a folder. */
export function placeOf(contents: Contents, folderId: string): Resource {
  const folder = contents.folders.get(folderId)
  const environment = contents.environments.get(folder?.environmentId ?? "")
  const path = pathOf(contents, folderId)
  return {
    ...(environment === undefined ? {} : { environment: environment.slug }),
    ...(path === undefined ? {} : { secretPath: path }),
  }
}

/** What rules are asked about a secret. */
export function resourceOf(
  contents: Contents,
  secret: { readonly folderId: string; readonly key: string },
  secretTags: readonly string[],
): Resource {
  return { ...placeOf(contents, secret.folderId), secretName: secret.key, secretTags: [...secretTags] }
}

export function tagSlugs(tags: ProjectStructure["tags"], tagIds: readonly string[]): readonly string[] {
  return tagIds.flatMap((id) => tags.get(id)?.slug ?? [])
}
