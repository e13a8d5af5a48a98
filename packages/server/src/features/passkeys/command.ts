/** Passkeys for commands, by pages of this server: only a browser can ask for one. See docs/adr/0013. */
import type { PasskeyPagesAnswer } from "@coffer/contract"
import type { AuditSource } from "../../audit/audit-event.ts"
import { AppError } from "../../errors.ts"
import { type CodeProblem, codeRefused, readCode, sealCode, takeCode } from "../command-logins/index.ts"
import { loginEvent, refuseLogin } from "../logins/index.ts"
import { draftSession, signSession } from "../sessions/index.ts"
import { findUser, listOrganizationsOf } from "../users/index.ts"
import { readChallenge } from "./challenge.ts"
import { enter, notActive } from "./login.ts"
import { type PasskeyAnswer, type PasskeyDeps, relyingParty } from "./service.ts"
import { findPasskey, isChallengeUsed, listPasskeys } from "./store.ts"
import { creationOptions } from "./verify.ts"

const folder = "/api/coffer/v1/auth/passkey"

/**
 * The pages by the address that passkeys are bound to, whatever the command calls this server.
 *
 * @throws AppError "invalid" that says what to configure
 */
export function passkeyPages(deps: PasskeyDeps, host: string | undefined): PasskeyPagesAnswer {
  const { origin } = relyingParty(deps, host)
  const site = (deps.siteUrl ?? origin) + folder
  return { commandLoginUrl: `${site}/command-login`, addPasskeyUrl: `${site}/add` }
}

/** What a code is judged again by. */
type Basis = { readonly passkeyId: string }

/**
 * Gives somebody who answers with a passkey a code for the command that waits. No session is opened.
 *
 * @param challenge of the command: the hash of its verifier
 * @throws AppError as a login with a passkey does
 */
export async function giveCode(
  deps: PasskeyDeps,
  source: AuditSource,
  answer: PasskeyAnswer,
  challenge: string,
): Promise<{ readonly email: string; readonly code: string }> {
  return await enter(deps, source, answer, async (scope, { user, passkey, orgId }) => {
    const event = { user, authMethod: "passkey", orgId, source, metadata: { userId: user.id } }
    scope.audit(loginEvent(deps, { ...event, type: "create-login-code" }))
    const basis: Basis = { passkeyId: passkey.id }
    return { email: user.email, code: sealCode(deps, "passkey", { ...basis, userId: user.id, challenge }) }
  })
}

/**
 * Exchanges a code for a session of the command, of no organization yet. Whether the person may log in with that passkey
 * is judged again.
 *
 * @returns an access token
 * @throws AppError "unauthenticated"; in the audit log when the code was ours
 */
export async function exchangeCode(
  deps: PasskeyDeps,
  source: AuditSource,
  shown: { readonly code: string; readonly verifier: string },
): Promise<string> {
  const refuse = async (userId: string, problem: CodeProblem | "not-active") => {
    const user = await findUser(deps.database.reader, userId)
    const error = problem === "not-active" ? notActive() : codeRefused()
    return await refuseLogin(deps, source, user, { reasonCode: `passkey-${problem}`, error })
  }
  const code = await readCode<Basis>(deps, shown, {
    method: "passkey",
    refuse: (ours, problem) => refuse(ours.userId, problem),
  })
  const opened = await deps.database.write(async (scope) => {
    if (!(await takeCode(scope.db, code))) return "code-used"
    const user = await findUser(scope.db, code.userId)
    const passkey = await findPasskey(scope.db, code.passkeyId)
    const [organization] = await listOrganizationsOf(scope.db, code.userId)
    const isGood = user !== undefined && passkey?.userId === user.id
    if (!isGood || organization === undefined) return "not-active"
    const order = { user, authMethod: "passkey", secondFactor: "passkey", source } as const
    const draft = await draftSession(deps, scope.db, order, deps.clock.now())
    const metadata = { userId: user.id, sessionId: draft.session.id, secondFactor: "passkey" }
    const { orgId } = organization
    scope.audit(loginEvent(deps, { user, authMethod: "passkey", orgId, source, metadata }))
    return draft
  })
  if (typeof opened === "string") return await refuse(code.userId, opened)
  return (await signSession(deps, opened)).accessToken
}

/**
 * For whom a passkey is added, and what that person's browser is asked. Whoever has the ticket may know; what the browser
 * makes is added by the command alone, with the token of the person.
 *
 * @param ticket the challenge token that the command got for the password
 * @throws AppError "forbidden" for a ticket that is not of this server, too old, or used
 */
export async function additionOptions(
  deps: PasskeyDeps,
  ticket: string,
  host: string | undefined,
): Promise<{ readonly email: string; readonly options: object }> {
  const site = relyingParty(deps, host)
  const { reader } = deps.database
  const now = deps.clock.now()
  const challenge = await readChallenge(deps.keyring, ticket, { purpose: "register", now }).catch(pageIsOver)
  const user = await findUser(reader, challenge.userId)
  if (user === undefined || (await isChallengeUsed(reader, challenge))) return pageIsOver()
  const challengeBytes = Buffer.from(challenge.text, "base64url")
  const known = await listPasskeys(reader, user.id)
  const options = await creationOptions({ relyingParty: site, challengeBytes, user, known })
  return { email: user.email, options }
}

function pageIsOver(cause?: unknown): never {
  if (cause !== undefined && !(cause instanceof AppError)) throw cause
  const message =
    "This page is older than five minutes, or its passkey was added already. Run 'coffer account passkeys add' again."
  throw new AppError("forbidden", "ForbiddenError", message, { cause })
}
