/** What the auth methods of an identity have in common: the settings of their tokens and the table they live in. */
export { type AuthMethod, requireConsistentLimits, type TokenSettings, trustedRanges } from "./domain.ts"
export {
  findAuthMethod,
  findByClientId,
  findByIdentity,
  insertAuthMethod,
  removeAuthMethod,
  updateAuthMethod,
} from "./store.ts"
