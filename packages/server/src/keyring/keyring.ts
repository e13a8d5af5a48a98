/**
 * Which key seals and opens what. Only this folder ever holds key bytes; everyone else holds a `Keyring`.
 */

/** Where a sealed field belongs. Every part is bound into the ciphertext: moved elsewhere, it does not open. */
export type SealedFieldAddress = {
  readonly orgId: string
  readonly projectId: string
  /** Id of the secret (or other record) that owns the field. */
  readonly recordId: string
  readonly version: number
  readonly field: "value" | "comment" | `metadata:${string}` | (string & {})
}

/** What the row MAC of a secret covers. */
export type SecretRowName = {
  readonly secretId: string
  readonly folderId: string
  readonly key: string
  readonly version: number
  readonly revision: number
}

/** Seals and opens the fields of one project; its data key is already unwrapped. */
export interface ProjectSealer {
  seal(address: SealedFieldAddress, plaintext: string): Uint8Array
  /** @throws AppError "unavailable" without any detail when the ciphertext does not open at this address */
  open(address: SealedFieldAddress, sealed: Uint8Array): string
}

/** Where a sealed field of a record that belongs to no project lives: a second factor, a token of a stream. */
export type RecordFieldAddress = {
  /** `""` for a record of the whole instance. */
  readonly orgId: string
  readonly recordId: string
  /** What the field is, unambiguous over all kinds of records: `user:totp`, `kubernetes-auth:reviewer-token`. */
  readonly field: string
}

/** Seals and opens fields of records outside of projects. Moved to another record or field, none opens. */
export interface RecordSealer {
  /** @throws AppError "invalid" for text that is not well-formed */
  seal(address: RecordFieldAddress, plaintext: string): Uint8Array
  /** @throws AppError "unavailable" without any detail when the ciphertext does not open at this address */
  open(address: RecordFieldAddress, sealed: Uint8Array): string
}

/** What a hashed credential is for: the same text hashed for another purpose is another hash. */
export type CredentialPurpose =
  | "client-secret"
  | "setup-token"
  | "login-name"
  | "password-reset"
  | "invitation"
  | "recovery-code"

export interface Keyring {
  /** The sealer of everything that belongs to no project. */
  readonly records: RecordSealer
  /**
   * The sealer of a project; cached after the first call.
   * @param through where to read its keys: a write must not wait for another connection
   */
  forProject(projectId: string, through?: import("../db/database.ts").Reader): Promise<ProjectSealer>
  /** Creates and stores the first data key of a new project inside the given write. */
  createProjectKey(write: import("../db/database.ts").Writer, projectId: string): Promise<ProjectSealer>
  /** The next caller of {@link forProject} gets what the database holds: an id may live again under another data key. */
  forgetProject(projectId: string): void
  /** Keyed MAC over the name of a secret row; 32 bytes. */
  secretRowMac(row: SecretRowName): Uint8Array
  /** Constant-time comparison with {@link secretRowMac}. */
  isSecretRowMac(row: SecretRowName, mac: Uint8Array): boolean
  /** HMAC-SHA-256 of a client secret or another high-entropy credential; 32 bytes. */
  credentialHash(purpose: CredentialPurpose, clear: string): Uint8Array
  /** Signs claims as a compact HS256 JWT. */
  signToken(claims: Readonly<Record<string, unknown>>): string
  /** Claims of a JWT whose signature is right; `undefined` otherwise. Expiry is judged by the caller. */
  verifyToken(token: string): Promise<Readonly<Record<string, unknown>> | undefined>
  /** Ed25519 signature of an audit head. */
  signAuditHead(bytes: Uint8Array): Uint8Array
  /** Public key of {@link signAuditHead}, SubjectPublicKeyInfo DER. */
  readonly auditPublicKeyBytes: Uint8Array
}
