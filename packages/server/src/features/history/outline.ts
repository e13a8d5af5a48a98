/** What a draft would do, for people: names and fields, never values. Pure. */
import type { ProjectStructure } from "../../cache/index.ts"
import type { Resource } from "../authorization/index.ts"
import type { Draft } from "./draft.ts"
import { placeOf, resourceOf, tagSlugs } from "./rights.ts"
import { type Contents, isAtHome } from "./state.ts"

export type Place = { readonly environment: string; readonly path: string }

export type OutlineItem = {
  readonly kind: "environment" | "folder" | "import" | "secret"
  readonly change: "create" | "update" | "delete"
  readonly id: string
  readonly name: string
  readonly place: Place
  /** Only of what is renamed. */
  readonly oldName?: string
  /** Only of what is moved. */
  readonly oldPlace?: Place
  /** Only of secrets that are changed. */
  readonly fields?: readonly string[]
}

export type Outline = {
  readonly items: readonly OutlineItem[]
  /** Secrets that change and that the caller may not know of. */
  readonly numberOfHidden: number
}

/** @param mayKnow whether the caller may know of a secret */
export function outlineOf(
  draft: Draft,
  tags: ProjectStructure["tags"],
  mayKnow: (resource: Resource) => boolean,
): Outline {
  const { plan } = draft
  const items: OutlineItem[] = plan.environments.map(({ id, name, slug }) => ({
    kind: "environment",
    change: "create",
    id,
    name,
    place: { environment: slug, path: "/" },
  }))
  for (const { id, was, will } of plan.folders) {
    const place = where(will === undefined ? plan.now : plan.after, id)
    const name = (will ?? was)?.name ?? ""
    items.push({
      kind: "folder",
      change: changeOf(was, will),
      id,
      name,
      place,
      ...oldOf(draft, was, will, id),
    })
  }
  for (const { id, was, will } of plan.imports) {
    const state = will ?? was
    const place = where(will === undefined ? plan.now : plan.after, state?.folderId ?? "")
    items.push({ kind: "import", change: changeOf(was, will), id, name: state?.importPath ?? "", place })
  }
  let numberOfHidden = 0
  for (const { id, was, will, tagIds, fields } of draft.secrets) {
    const slugs = tagSlugs(tags, tagIds)
    const sides = [was && resourceOf(plan.now, was, slugs), will && resourceOf(plan.after, will, slugs)]
    if (sides.some((side) => side !== undefined && !mayKnow(side))) {
      numberOfHidden += 1
      continue
    }
    const place = where(will === undefined ? plan.now : plan.after, (will ?? was)?.folderId ?? "")
    const name = (will ?? was)?.key ?? ""
    const isRenamed = was !== undefined && will !== undefined && was.key !== will.key
    const isMoved = was !== undefined && will !== undefined && !isAtHome(was, will)
    items.push({
      kind: "secret",
      change: changeOf(was, will),
      id,
      name,
      place,
      ...(isRenamed ? { oldName: was.key } : {}),
      ...(isMoved ? { oldPlace: where(plan.now, was.folderId) } : {}),
      ...(was !== undefined && will !== undefined ? { fields } : {}),
    })
  }
  return { items, numberOfHidden }
}

function oldOf(
  { plan }: Draft,
  was: { readonly name: string; readonly parentId: string | null } | undefined,
  will: { readonly name: string; readonly parentId: string | null } | undefined,
  id: string,
): { readonly oldName?: string; readonly oldPlace?: Place } {
  if (was === undefined || will === undefined) return {}
  return {
    ...(was.name === will.name ? {} : { oldName: was.name }),
    ...(was.parentId === will.parentId ? {} : { oldPlace: where(plan.now, id) }),
  }
}

function changeOf(was: object | undefined, will: object | undefined): OutlineItem["change"] {
  if (was === undefined) return "create"
  return will === undefined ? "delete" : "update"
}

function where(contents: Contents, folderId: string): Place {
  const { environment = "", secretPath = "/" } = placeOf(contents, folderId)
  return { environment, path: secretPath }
}
