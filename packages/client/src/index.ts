/**
 * The typed HTTP client over the contract: one method per call, answers checked by the contract's schemas,
 * one error class. It works against any server of the contract, so it asks only for what all of them send.
 * Only `@coffer/contract` may be imported here; no files, no environment, no log.
 */
export { ApiError, type ApiErrorFacts, type ApiErrorKind, isApiError } from "./api-error.ts"
export type { AccessExplanation, AccessQuestion } from "./areas/access.ts"
export type { BootstrapOptions, Status } from "./areas/admin.ts"
export type { AuditStream, AuditStreamChange, NewAuditStream } from "./areas/audit-streams.ts"
export type { Organization } from "./areas/auth.ts"
export type { Folder, ListedFolder } from "./areas/folders.ts"
export type { Restoration, RestoreMoment } from "./areas/history.ts"
export type {
  ClientSecret,
  Identity,
  ListedIdentity,
  NewClientSecret,
  UniversalAuth,
} from "./areas/identities.ts"
export type { Membership } from "./areas/memberships.ts"
export type { Project } from "./areas/projects.ts"
export type { FoundSecret, SearchCriteria } from "./areas/search.ts"
export type { ImportInput, ImportReport } from "./areas/secret-files.ts"
export type {
  FolderPlace,
  GetOptions,
  ImportedSecret,
  ListOptions,
  Secret,
  SecretImport,
  SecretInput,
  SecretList,
  SecretType,
} from "./areas/secrets.ts"
export type { TrashItem, TrashKind } from "./areas/trash.ts"
export { normalizeBaseUrl } from "./base-url.ts"
export { type ClientOptions, type CofferClient, createClient } from "./client.ts"
export { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry.ts"
