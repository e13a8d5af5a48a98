/**
 * Keys: where the root key comes from, the keyring under it, the data keys of projects, and everything that is done with
 * them. Key bytes never leave this folder; who needs one of them used holds a `Keyring`.
 */
export { AnswerSealer, type SealedAnswer } from "./answer-sealer.ts"
export { openAuditSigner } from "./audit-signer.ts"
export type {
  Keyring,
  RecordFieldAddress,
} from "./keyring.ts"
export { type KeyringConfig, openKeyring } from "./open-keyring.ts"
export type { RootKeyConfig } from "./root-key-source.ts"
