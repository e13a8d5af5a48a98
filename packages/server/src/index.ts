/**
 * What other workspaces may use of the server. Everything else is reached through a part's own `index.ts`, from inside
 * this package.
 */
export { type Clock, systemClock } from "./clock.ts"
export type { Log } from "./log.ts"
export { type Random, systemRandom } from "./random.ts"
export { Secret } from "./secret.ts"
export { openStorage, type Storage } from "./storage.ts"
