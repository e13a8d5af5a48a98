/**
 * The code that a browser carries to the command that waits for it: sealed, for two minutes, once, and worth nothing
 * without the verifier that never left the command. It stands in an address, so histories and logs may keep it.
 */
import { hash, timingSafeEqual } from "node:crypto"
import type { Clock } from "../../clock.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { Random } from "../../random.ts"
import { codeLifetimeMs } from "./domain.ts"

/** For whom it is, by whose word, and for which command. */
type LoginCode = {
  readonly id: string
  readonly orgId: string
  readonly userId: string
  readonly issuer: string
  readonly clientId: string
  readonly challenge: string
  readonly expiresAt: number
}

type CodeDeps = { readonly clock: Clock; readonly keyring: Keyring; readonly random: Random }

const address = { orgId: "", recordId: "login-code", field: "login-code:claims" }

export function sealCode(deps: CodeDeps, of: Omit<LoginCode, "id" | "expiresAt">): string {
  const id = Buffer.from(deps.random.bytes(32)).toString("base64url")
  const code: LoginCode = { ...of, id, expiresAt: deps.clock.now() + codeLifetimeMs }
  return Buffer.from(deps.keyring.records.seal(address, JSON.stringify(code))).toString("base64url")
}

/** `undefined` for a code that this server did not make. */
export function openCode({ keyring }: Pick<CodeDeps, "keyring">, sealed: string): LoginCode | undefined {
  try {
    return JSON.parse(keyring.records.open(address, Buffer.from(sealed, "base64url"))) as LoginCode
  } catch {
    // Anybody can send a code that does not open.
    return undefined
  }
}

/** Whether a command that shows this verifier is the one that the code was made for. */
export function isVerifierOf({ challenge }: LoginCode, verifier: string): boolean {
  const [one, other] = [Buffer.from(challenge), Buffer.from(hash("sha256", verifier, "hex"))]
  return one.length === other.length && timingSafeEqual(one, other)
}
