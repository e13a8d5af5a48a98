/** Settings that every auth method of an identity has: limits of its tokens and who may use them. Pure. */
import { anySource } from "@coffer/contract"
import { AppError } from "../../errors.ts"
import { type AddressRange, parseAddressRange } from "../../network-address.ts"

export type TokenSettings = {
  readonly accessTokenTTL: number
  readonly accessTokenMaxTTL: number
  readonly accessTokenNumUsesLimit: number
  readonly accessTokenPeriod: number
  readonly accessTokenTrustedIps: readonly AddressRange[]
}

/** An auth method of an identity. `settings` holds what is particular to the method. */
export type AuthMethod<Settings> = TokenSettings & {
  readonly id: string
  readonly identityId: string
  readonly clientId: string | null
  readonly settings: Settings
  readonly createdAt: number
  readonly updatedAt: number
}

/** Somebody who may know how to log in by a method: who set it up, changed it, or made a credential for it. */
export type MethodAuthor = {
  readonly type: "user" | "identity"
  readonly id: string
  /** As it was called then. */
  readonly name: string
  /** The last time. */
  readonly actedAt: number
}

/**
 * Who may use something: what is given, else what was before, else everybody.
 *
 * @throws AppError "invalid" naming the entry that is no address and no range
 */
export function rangesOf(
  given: readonly { readonly ipAddress: string }[] | undefined,
  kept: readonly AddressRange[] | undefined,
): readonly AddressRange[] {
  if (given === undefined && kept !== undefined) return kept
  return (given ?? anySource).map(({ ipAddress }) => {
    const range = parseAddressRange(ipAddress)
    if (range !== undefined) return range
    throw new AppError("invalid", "BadRequest", `'${ipAddress}' is not an IP address and not a CIDR range`)
  })
}

/** As the audit log shows them. */
export function cidrOf(ranges: readonly AddressRange[]): string[] {
  return ranges.map((range) => `${range.ipAddress}/${range.prefix}`)
}

/**
 * A lifetime of 0 is the whole budget.
 * @throws AppError "invalid" when tokens would live longer than all their renewals may
 */
export function requireConsistentLimits(settings: TokenSettings): void {
  const { accessTokenTTL: ttl, accessTokenMaxTTL: maxTtl } = settings
  if (maxTtl > 0 && ttl > maxTtl && settings.accessTokenPeriod === 0) {
    throw new AppError("invalid", "BadRequest", "accessTokenTTL must not be greater than accessTokenMaxTTL")
  }
}
