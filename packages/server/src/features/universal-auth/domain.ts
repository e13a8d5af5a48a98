/** Client secrets and the lockout rule (contract 2.1, 2.5). Pure. */
import type { AddressRange } from "../../network-address.ts"

/** What is particular to universal auth. */
export type UniversalAuthSettings = {
  readonly clientSecretTrustedIps: readonly AddressRange[]
  readonly lockoutEnabled: boolean
  readonly lockoutThreshold: number
  readonly lockoutDurationSeconds: number
  readonly lockoutCounterResetSeconds: number
}

export type ClientSecret = {
  readonly id: string
  readonly authMethodId: string
  readonly identityId: string
  readonly prefix: string
  readonly description: string
  readonly ttlSeconds: number
  readonly uses: number
  readonly usesLimit: number
  readonly isRevoked: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export type ClientSecretVerdict =
  | { readonly kind: "usable" }
  | { readonly kind: "revoked" }
  | { readonly kind: "expired" }
  | { readonly kind: "used-up" }

export function judgeClientSecret(secret: ClientSecret, now: number): ClientSecretVerdict {
  if (secret.isRevoked) return { kind: "revoked" }
  if (secret.ttlSeconds > 0 && now >= secret.createdAt + secret.ttlSeconds * 1_000) return { kind: "expired" }
  if (secret.usesLimit > 0 && secret.uses >= secret.usesLimit) return { kind: "used-up" }
  return { kind: "usable" }
}

/** Failed logins of one client id, from one source or from all together. */
export type FailureCount = {
  readonly failures: number
  readonly windowStartedAt: number
  readonly lockedUntil: number | null
}

export function isLocked(count: FailureCount | undefined, now: number): boolean {
  return count !== undefined && count.lockedUntil !== null && now < count.lockedUntil
}

/** Failures from all sources together may be this many times those of one source, before the client id locks for all. */
export const capFactor = 10

/** The count after one more failure; it locks when the threshold is reached inside the window. */
export function countFailure(
  count: FailureCount | undefined,
  settings: Pick<
    UniversalAuthSettings,
    "lockoutThreshold" | "lockoutDurationSeconds" | "lockoutCounterResetSeconds"
  >,
  now: number,
): FailureCount {
  const isSameWindow =
    count !== undefined &&
    now < count.windowStartedAt + settings.lockoutCounterResetSeconds * 1_000 &&
    (count.lockedUntil === null || now < count.lockedUntil)
  const failures = isSameWindow ? count.failures + 1 : 1
  const windowStartedAt = isSameWindow ? count.windowStartedAt : now
  const lockedUntil =
    failures >= settings.lockoutThreshold ? now + settings.lockoutDurationSeconds * 1_000 : null
  return { failures, windowStartedAt, lockedUntil }
}
