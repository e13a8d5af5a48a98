/**
 * The code that a browser carries to the command that waits for it: sealed, for two minutes, once, and worth nothing
 * without the verifier that never left the command. It stands in an address, so histories and logs may keep it.
 */
import { hash, timingSafeEqual } from "node:crypto"
import type { Clock } from "../../clock.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { Random } from "../../random.ts"
import { codeLifetimeMs } from "./domain.ts"

/** What proved who the person is; a code of one opens nothing as a code of another. */
type CodeMethod = "oidc" | "passkey"

/** For whom it is, and for which command; with what the method must know to judge it again. */
type LoginCode<Basis> = Basis & {
  readonly id: string
  readonly userId: string
  readonly challenge: string
  readonly expiresAt: number
}

/** Why a code is not exchanged. */
export type CodeProblem = "code-late" | "code-used" | "wrong-verifier"

type CodeDeps = { readonly clock: Clock; readonly keyring: Keyring; readonly random: Random }

const addressOf = (method: CodeMethod) => ({
  orgId: "",
  recordId: "login-code",
  field: `login-code:${method}`,
})

export function sealCode<Basis extends object>(
  deps: CodeDeps,
  method: CodeMethod,
  of: Basis & { readonly userId: string; readonly challenge: string },
): string {
  const id = Buffer.from(deps.random.bytes(32)).toString("base64url")
  const code: LoginCode<Basis> = { ...of, id, expiresAt: deps.clock.now() + codeLifetimeMs }
  return Buffer.from(deps.keyring.records.seal(addressOf(method), JSON.stringify(code))).toString("base64url")
}

/**
 * What a code says that a command shows with its verifier. It is not used up by that: the write that opens the session
 * takes it with `takeCode`.
 *
 * @param by `refuse`: tells of a code that was ours, and throws
 * @throws AppError "unauthenticated" for a code that this server did not make for this method
 */
export async function readCode<Basis extends object>(
  deps: Pick<CodeDeps, "clock" | "keyring">,
  shown: { readonly code: string; readonly verifier: string },
  by: {
    readonly method: CodeMethod
    readonly refuse: (code: LoginCode<Basis>, problem: CodeProblem) => Promise<never>
  },
): Promise<LoginCode<Basis>> {
  const code = openCode<Basis>(deps, by.method, shown.code)
  if (code === undefined) throw codeRefused()
  if (code.expiresAt <= deps.clock.now()) return await by.refuse(code, "code-late")
  if (!isVerifierOf(code, shown.verifier)) return await by.refuse(code, "wrong-verifier")
  return code
}

/** One text for every fault of a code. */
export const codeRefusedText =
  "The code of this login was not accepted: it belongs to another command, was used already, or came too late. Begin again."

export function codeRefused(): AppError {
  return new AppError("unauthenticated", "UnauthorizedError", codeRefusedText)
}

/** `undefined` for a code that this server did not make. */
function openCode<Basis>(
  { keyring }: Pick<CodeDeps, "keyring">,
  method: CodeMethod,
  sealed: string,
): LoginCode<Basis> | undefined {
  try {
    const opened = keyring.records.open(addressOf(method), Buffer.from(sealed, "base64url"))
    return JSON.parse(opened) as LoginCode<Basis>
  } catch {
    // Anybody can send a code that does not open.
    return undefined
  }
}

/** Whether a command that shows this verifier is the one that the code was made for. */
function isVerifierOf({ challenge }: { readonly challenge: string }, verifier: string): boolean {
  const [one, other] = [Buffer.from(challenge), Buffer.from(hash("sha256", verifier, "hex"))]
  return one.length === other.length && timingSafeEqual(one, other)
}
