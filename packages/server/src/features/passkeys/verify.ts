/** What the library is asked: is this answer right for that challenge, that site and that key? */
import type { PasskeyAssertion } from "@coffer/contract"
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server"
import { type Challenge, passkeyRefused } from "./challenge.ts"
import type { Passkey } from "./domain.ts"
import type { RelyingParty } from "./relying-party.ts"

const library = () => import("@simplewebauthn/server")
const timeoutMs = 5 * 60_000

export async function creationOptions(of: {
  readonly relyingParty: RelyingParty
  readonly challengeBytes: Uint8Array
  readonly user: { readonly id: string; readonly email: string }
  readonly known: readonly Passkey[]
}): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await library()
  return await generateRegistrationOptions({
    rpName: "Coffer",
    rpID: of.relyingParty.id,
    userID: Uint8Array.from(Buffer.from(of.user.id)),
    userName: of.user.email,
    challenge: Uint8Array.from(of.challengeBytes),
    timeout: timeoutMs,
    attestationType: "none",
    excludeCredentials: of.known.map(descriptorOf),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
  })
}

/** @param of `allowed`: the passkeys of a person who is known; none when any may answer */
export async function requestOptions(of: {
  readonly relyingParty: RelyingParty
  readonly challengeBytes: Uint8Array
  readonly allowed: readonly Passkey[]
}): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await library()
  return await generateAuthenticationOptions({
    rpID: of.relyingParty.id,
    challenge: Uint8Array.from(of.challengeBytes),
    timeout: timeoutMs,
    userVerification: "required",
    allowCredentials: of.allowed.map(descriptorOf),
  })
}

function descriptorOf(passkey: Passkey) {
  return { id: passkey.id, transports: [...passkey.transports] }
}

export type NewCredential = Pick<Passkey, "id" | "publicKeyBytes" | "counter" | "transports">

/** @throws AppError "forbidden", whatever does not fit */
export async function verifyCreation(
  response: RegistrationResponseJSON,
  by: { readonly challenge: Challenge; readonly relyingParty: RelyingParty },
): Promise<NewCredential> {
  const { verifyRegistrationResponse } = await library()
  const verified = await verifyRegistrationResponse({
    response,
    expectedChallenge: by.challenge.text,
    expectedOrigin: by.relyingParty.origin,
    expectedRPID: by.relyingParty.id,
    requireUserVerification: true,
  }).catch(refused)
  if (!verified.verified) throw passkeyRefused()
  const { id, publicKey, counter, transports } = verified.registrationInfo.credential
  return { id, publicKeyBytes: publicKey, counter, transports: knownTransports(transports) }
}

/** Hints for the browser, as the client sent them: whatever is no short word is left out. */
function knownTransports(transports: unknown): readonly string[] {
  if (!Array.isArray(transports)) return []
  return transports.filter((one) => typeof one === "string" && /^[a-z-]{1,32}$/.test(one)).slice(0, 10)
}

/** @returns the counter after it. @throws AppError "forbidden", whatever does not fit */
export async function verifyAnswer(
  assertion: PasskeyAssertion,
  by: { readonly challenge: Challenge; readonly relyingParty: RelyingParty; readonly passkey: Passkey },
): Promise<number> {
  const { verifyAuthenticationResponse } = await library()
  const { passkey } = by
  // Whom the device names was compared already.
  const { userHandle: _, ...response } = assertion.response
  const verified = await verifyAuthenticationResponse({
    response: { ...assertion, response },
    expectedChallenge: by.challenge.text,
    expectedOrigin: by.relyingParty.origin,
    expectedRPID: by.relyingParty.id,
    credential: {
      id: passkey.id,
      publicKey: Uint8Array.from(passkey.publicKeyBytes),
      counter: passkey.counter,
    },
    requireUserVerification: true,
  }).catch(refused)
  if (!verified.verified) throw passkeyRefused()
  return verified.authenticationInfo.newCounter
}

/** The library throws for everything that does not fit; what exactly is for nobody outside. */
function refused(cause: unknown): never {
  throw passkeyRefused(cause)
}
