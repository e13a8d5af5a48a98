/**
 * What clients and server share: request and answer schemas per area of the API, error codes, audit event types.
 * Only the schema library may be imported here; no I/O, no domain rules beyond the canonical forms of `fields.ts`.
 */
export * from "./admin.ts"
export * from "./audit-events.ts"
export * from "./audit-log.ts"
export * from "./environments.ts"
export * from "./error-codes.ts"
export * from "./fields.ts"
export * from "./folders.ts"
export * from "./identities.ts"
export * from "./memberships.ts"
export * from "./permissions.ts"
export * from "./project-events.ts"
export * from "./projects.ts"
export * from "./secret-moves.ts"
export * from "./roles.ts"
export * from "./secrets.ts"
export * from "./status.ts"
export * from "./tags.ts"
export * from "./token.ts"
export * from "./universal-auth.ts"
export * from "./webhooks.ts"
