/** Roles of a project: the four built-in ones and those it made itself (contract 4.2, 4.4). Pure. */
import type { PermissionRule } from "@coffer/contract"
import { rulesOfRole } from "../authorization/index.ts"

/** A role as it is stored, or as it is built in. */
export type Role = {
  readonly id: string
  readonly projectId: string
  readonly slug: string
  readonly name: string
  readonly description: string | null
  readonly permissions: readonly PermissionRule[]
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

const builtIn = [
  ["00000000-0000-4000-8000-00000000000a", "admin", "Admin", "Everything in the project"],
  ["00000000-0000-4000-8000-00000000000b", "member", "Developer", "Reads and changes contents"],
  ["00000000-0000-4000-8000-00000000000c", "viewer", "Viewer", "Reads contents and changes nothing"],
  ["00000000-0000-4000-8000-00000000000d", "no-access", "No Access", "Nothing"],
] as const

/** The built-in roles as a project shows them; they are as old as the project. */
export function builtInRoles(project: { readonly id: string; readonly createdAt: number }): readonly Role[] {
  return builtIn.map(([id, slug, name, description]) => ({
    id,
    projectId: project.id,
    slug,
    name,
    description,
    permissions: rulesOfRole(slug) ?? [],
    version: 1,
    createdAt: project.createdAt,
    updatedAt: project.createdAt,
  }))
}
