import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto"
import { inspect } from "node:util"
import { encodeAdditionalData } from "@coffer/envelope"
import { AuditKeySigner } from "../audit/audit-head.ts"
import type { Reader, Writer } from "../db/database.ts"
import type { CredentialPurpose, Keyring, ProjectSealer, RecordSealer, SecretRowName } from "./keyring.ts"
import { signingKeyOf } from "./keyring-keys.ts"
import { insertProjectKey, loadProjectSealer, type ProjectKeyDeps } from "./project-keys.ts"
import { KeyringRecordSealer } from "./record-sealer.ts"
import type { TokenSigner } from "./token-signer.ts"

/** How many projects keep their unwrapped key in memory. */
const MAX_CACHED_PROJECTS = 10_000

/** The keyring of a database. Its keys are private fields: printing, serialising or inspecting it shows none. */
export class StoredKeyring implements Keyring {
  readonly auditPublicKeyBytes: Uint8Array
  readonly records: RecordSealer
  readonly #reader: Reader
  readonly #projectKeys: ProjectKeyDeps
  readonly #tokens: TokenSigner
  readonly #auditSigner: AuditKeySigner
  readonly #macKeys: Readonly<Record<"row-mac" | "client-secret-hmac", KeyObject>>
  readonly #sealers = new Map<string, Promise<ProjectSealer>>()

  constructor(reader: Reader, tokens: TokenSigner, projectKeys: ProjectKeyDeps) {
    this.#reader = reader
    this.#tokens = tokens
    this.#projectKeys = projectKeys
    this.#auditSigner = new AuditKeySigner(signingKeyOf(projectKeys.keys.active["audit-signing"].keyBytes))
    const { active } = projectKeys.keys
    this.#macKeys = {
      "row-mac": createSecretKey(active["row-mac"].keyBytes),
      "client-secret-hmac": createSecretKey(active["client-secret-hmac"].keyBytes),
    }
    this.records = new KeyringRecordSealer(projectKeys.keys, (size) => projectKeys.random.bytes(size))
    this.auditPublicKeyBytes = this.#auditSigner.auditPublicKeyBytes
  }

  forProject(projectId: string, through: Reader = this.#reader): Promise<ProjectSealer> {
    const cached = this.#sealers.get(projectId)
    if (cached !== undefined) return cached
    const loading = loadProjectSealer(through, projectId, this.#projectKeys)
    this.#sealers.set(projectId, loading)
    // The caller sees the failure; here it only must not stay.
    loading.catch(() => {
      if (this.#sealers.get(projectId) === loading) this.#sealers.delete(projectId)
    })
    if (this.#sealers.size > MAX_CACHED_PROJECTS) {
      const [oldest] = this.#sealers.keys()
      if (oldest !== undefined) this.#sealers.delete(oldest)
    }
    return loading
  }

  forgetProject(projectId: string): void {
    this.#sealers.delete(projectId)
  }

  createProjectKey(write: Writer, projectId: string): Promise<ProjectSealer> {
    return insertProjectKey(write, projectId, this.#projectKeys)
  }

  secretRowMac({ secretId, folderId, key, version, revision }: SecretRowName): Uint8Array {
    const parts = ["coffer/secret-row/1", secretId, folderId, key, String(version), String(revision)]
    return this.#mac("row-mac", parts)
  }

  isSecretRowMac(row: SecretRowName, mac: Uint8Array): boolean {
    const expected = this.secretRowMac(row)
    return mac.length === expected.length && timingSafeEqual(mac, expected)
  }

  credentialHash(purpose: CredentialPurpose, clear: string): Uint8Array {
    return this.#mac("client-secret-hmac", ["coffer/credential/1", purpose, clear])
  }

  signToken(claims: Readonly<Record<string, unknown>>): string {
    return this.#tokens.sign(claims)
  }

  verifyToken(token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    return this.#tokens.verify(token)
  }

  signAuditHead(bytes: Uint8Array): Uint8Array {
    return this.#auditSigner.signAuditHead(bytes)
  }

  toJSON(): string {
    return "[keyring]"
  }

  [inspect.custom](): string {
    return "[keyring]"
  }

  #mac(purpose: "row-mac" | "client-secret-hmac", parts: readonly string[]): Uint8Array {
    return createHmac("sha256", this.#macKeys[purpose]).update(encodeAdditionalData(parts)).digest()
  }
}
