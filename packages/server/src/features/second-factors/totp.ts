/** RFC 6238 as authenticator apps have it: SHA-1, six digits, 30 seconds. The library is loaded with the first code. */
const parameters = { algorithm: "SHA1", digits: 6, period: 30 } as const
/** Clocks differ: the step before and the step after count too. */
const neighbours = 1

/** Whoever is about to hold the database loads the library first. */
export function loadTotp() {
  return import("otpauth")
}

/** A new secret and the address that an authenticator app reads from a QR code. */
export async function newTotp(
  secretBytes: Uint8Array,
  of: { readonly issuer: string; readonly email: string },
): Promise<{ readonly secret: string; readonly uri: string }> {
  const { Secret, TOTP } = await loadTotp()
  const secret = new Secret({ buffer: Uint8Array.from(secretBytes).buffer })
  const totp = new TOTP({ ...parameters, secret, issuer: of.issuer, label: of.email })
  return { secret: secret.base32, uri: totp.toString() }
}

/** The time step that a code of six digits belongs to; `undefined` when it is wrong at `now`. */
export async function stepOfCode(secret: string, code: string, now: number): Promise<number | undefined> {
  const { Secret, TOTP } = await loadTotp()
  const totp = new TOTP({ ...parameters, secret: Secret.fromBase32(secret) })
  const delta = totp.validate({ token: code, timestamp: now, window: neighbours })
  return delta === null ? undefined : totp.counter({ timestamp: now }) + delta
}
