import type { Reader, Writer } from "../../db/database.ts"
import { canonicalSource } from "../../network-address.ts"
import { type AuthMethod, lockMethod } from "../auth-methods/index.ts"
import { capFactor, countFailure, type FailureCount, isLocked, type UniversalAuthSettings } from "./domain.ts"
import { clearFailures, listFailures, saveFailure } from "./store.ts"

/** Who tries to log in: the method of a client id, `undefined` when nobody has that, and from where. */
export type Claimant = {
  readonly method: AuthMethod<UniversalAuthSettings> | undefined
  readonly ipAddress: string
}

/** The failed logins of a claimant by source, and whether they lock it out. */
export type Standing = {
  readonly failures: ReadonlyMap<string, FailureCount>
  readonly isLockedOut: boolean
}

/** All failures of a client id together. */
const everySource = ""
/** Where the work for an unknown client id goes, so that it costs as much as for a known one. */
export const unknownClientId = "(unknown)"

const dummySettings = {
  lockoutThreshold: 30,
  lockoutDurationSeconds: 30,
  lockoutCounterResetSeconds: 5,
  lockoutEnabled: true,
}

/** What is known now; others may be counted until this one is. A client id that nobody has is never locked. */
export async function standingOf(db: Reader, claimant: Claimant, now: number): Promise<Standing> {
  const { clientId, source } = counterOf(claimant)
  const failures = await listFailures(db, clientId, source)
  const isLockedOut =
    claimant.method?.settings.lockoutEnabled === true &&
    [...failures.values()].some((count) => isLocked(count, now))
  return { failures, isLockedOut }
}

/**
 * Has logins of one client id come one after the other until the write ends, however many were compared at once: nobody
 * is told whether a secret was right after more failures than the threshold.
 */
export async function awaitTurn(db: Writer, claimant: Claimant, now: number): Promise<Standing> {
  await lockMethod(db, claimant.method?.id ?? unknownClientId)
  return await standingOf(db, claimant, now)
}

/** Counts a wrong secret; false, and nothing is counted, when others locked the claimant out meanwhile. */
export async function countWrongSecret(db: Writer, claimant: Claimant, now: number): Promise<boolean> {
  const settings = claimant.method?.settings ?? dummySettings
  if (!settings.lockoutEnabled) return true
  const { failures, isLockedOut } = await awaitTurn(db, claimant, now)
  if (isLockedOut) return false
  const { clientId, source } = counterOf(claimant)
  const cap = { ...settings, lockoutThreshold: settings.lockoutThreshold * capFactor }
  await saveFailure(db, { clientId, source }, countFailure(failures.get(source), settings, now))
  await saveFailure(db, { clientId, source: everySource }, countFailure(failures.get(everySource), cap, now))
  return true
}

/** False when others locked the claimant out meanwhile. */
export async function isStillAdmitted(db: Writer, claimant: Claimant, now: number): Promise<boolean> {
  if (claimant.method?.settings.lockoutEnabled !== true) return true
  return !(await awaitTurn(db, claimant, now)).isLockedOut
}

/** A login that succeeded forgives the failures from its source, and those of all sources together. */
export async function forgiveFailures(db: Writer, claimant: Claimant, standing: Standing): Promise<void> {
  if (standing.failures.size === 0) return
  const { clientId, source } = counterOf(claimant)
  await clearFailures(db, clientId, [source, everySource])
}

function counterOf({ method, ipAddress }: Claimant): { readonly clientId: string; readonly source: string } {
  if (method === undefined) return { clientId: unknownClientId, source: unknownClientId }
  return { clientId: method.clientId ?? "", source: canonicalSource(ipAddress) }
}
