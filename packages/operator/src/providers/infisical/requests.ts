/** The two read requests, with the parameters and in the order that existing servers know from existing clients. */
import type { Session } from "./tokens.ts"

/** What a list or a single read refers to: project, environment, folder and flags. */
export type Scope = {
  readonly projectSlug: string
  readonly environmentSlug: string
  readonly folder: string
  readonly expandSecretReferences: boolean
  readonly recursive: boolean
}

/** The identity of a scope in caches: host, credentials and their version, organization, and everything asked for. */
export function scopeId(session: Session, scope: Scope): string {
  return JSON.stringify([
    session.id,
    scope.projectSlug,
    scope.environmentSlug,
    scope.folder,
    scope.expandSecretReferences,
    scope.recursive,
  ])
}

export function listUrl(base: string, scope: Scope): string {
  return `${base}/v3/secrets/raw?${new URLSearchParams({
    environment: scope.environmentSlug,
    expandSecretReferences: String(scope.expandSecretReferences),
    include_imports: "true",
    recursive: String(scope.recursive),
    secretPath: scope.folder,
    workspaceId: "",
    workspaceSlug: scope.projectSlug,
  })}`
}

/** The same list without values, which may be asked for where not every value may be read. */
export function namesUrl(base: string, scope: Scope): string {
  return `${listUrl(base, scope)}&viewSecretValue=false`
}

export function singleUrl(base: string, scope: Scope, name: string): string {
  return `${base}/v3/secrets/raw/${encodeURIComponent(name)}?${new URLSearchParams({
    environment: scope.environmentSlug,
    expandSecretReferences: String(scope.expandSecretReferences),
    include_imports: "true",
    secretPath: scope.folder,
    type: "shared",
    workspaceSlug: scope.projectSlug,
  })}`
}
