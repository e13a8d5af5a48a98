import { type Session as Caller, requireKind } from "../../actor.ts"
import type { AuditSource } from "../../audit/audit-event.ts"
import type { Writer, WriteScope } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { loginEvent, refuseLogin } from "../logins/index.ts"
import { showFactor } from "../second-factors/index.ts"
import { draftSession, type SessionTokens, signSession } from "../sessions/index.ts"
import { findUser, listOrganizationsOf } from "../users/index.ts"
import { type Challenge, passkeyRefused, readChallenge, signChallenge } from "./challenge.ts"
import type { Passkey } from "./domain.ts"
import { challengeLength, type PasskeyAnswer, type PasskeyDeps, relyingParty } from "./service.ts"
import { advanceCounter, findPasskey, listPasskeys, takeChallenge } from "./store.ts"
import { requestOptions, verifyAnswer } from "./verify.ts"

type Options = { readonly options: object; readonly challengeToken: string }

/** A challenge for whoever has a passkey of this site. */
export async function beginLogin(deps: PasskeyDeps, host: string | undefined): Promise<Options> {
  return await ask(deps, { host, purpose: "login", userId: "", allowed: [] })
}

/** A challenge for the caller's own passkeys. */
export async function beginSecondFactor(
  deps: PasskeyDeps,
  caller: Caller,
  host: string | undefined,
): Promise<Options> {
  requireKind(caller.actor, "user")
  const allowed = await listPasskeys(deps.database.reader, caller.actor.id)
  if (allowed.length === 0) throw new AppError("invalid", "BadRequest", "You have no passkey")
  return await ask(deps, { host, purpose: "second-factor", userId: caller.actor.id, allowed })
}

async function ask(
  deps: PasskeyDeps,
  of: {
    readonly host: string | undefined
    readonly purpose: "login" | "second-factor"
    readonly userId: string
    readonly allowed: readonly Passkey[]
  },
): Promise<Options> {
  const challengeBytes = deps.random.bytes(challengeLength)
  const site = relyingParty(deps, of.host)
  const { purpose, userId } = of
  return {
    options: await requestOptions({ relyingParty: site, challengeBytes, allowed: of.allowed }),
    challengeToken: await signChallenge(deps.keyring, { challengeBytes, purpose, userId }, deps.clock.now()),
  }
}

/**
 * Logs a person in with a passkey alone. The device has verified the person, so no second factor is due.
 *
 * @throws AppError "forbidden" when the answer does not fit, "unauthenticated" for somebody who is active nowhere; both
 * in the audit log
 */
export async function logInWithPasskey(
  deps: PasskeyDeps,
  source: AuditSource,
  answer: PasskeyAnswer,
): Promise<SessionTokens> {
  const draft = await enter(deps, source, answer, async (scope, { user, orgId, now }) => {
    const order = { user, authMethod: "passkey", secondFactor: "passkey", source } as const
    const made = await draftSession(deps, scope.db, order, now)
    const metadata = { userId: user.id, sessionId: made.session.id, secondFactor: "passkey" }
    scope.audit(loginEvent(deps, { user, authMethod: "passkey", orgId, source, metadata }))
    return made
  })
  return await signSession(deps, draft)
}

/** Somebody whose passkey was accepted, in the write that uses the answer up. */
export type Entered = {
  readonly user: { readonly id: string; readonly email: string }
  readonly passkey: Passkey
  /** Whose audit log tells of it. */
  readonly orgId: string
  readonly now: number
}

/**
 * Does something for whoever answers with a passkey of this server, in the write that uses the answer up.
 *
 * @throws AppError "forbidden" when the answer does not fit, "unauthenticated" for somebody who is active nowhere; both
 * in the audit log
 */
export async function enter<T>(
  deps: PasskeyDeps,
  source: AuditSource,
  answer: PasskeyAnswer,
  work: (scope: WriteScope, entered: Entered) => Promise<T>,
): Promise<T> {
  const passkey = await findPasskey(deps.database.reader, answer.response.id)
  const user = passkey === undefined ? undefined : await findUser(deps.database.reader, passkey.userId)
  const refuse = (reasonCode: string, error: AppError) =>
    refuseLogin(deps, source, user, { reasonCode, error })
  const expected = { purpose: "login", userId: "" } as const
  const judged = await judge(deps, answer, { passkey, expected }).catch((error: unknown) => {
    if (error instanceof AppError && error.kind === "forbidden") return error
    throw error
  })
  if (judged instanceof AppError) return await refuse("wrong-passkey", judged)
  if (user === undefined) return await refuse("unknown-passkey", passkeyRefused())
  const [organization] = await listOrganizationsOf(deps.database.reader, user.id)
  if (organization === undefined) return await refuse("no-active-organization", notActive())
  const done = await deps.database.write(async (scope) => {
    const now = deps.clock.now()
    if (!(await use(scope.db, judged, now))) return undefined
    const entered = { user, passkey: judged.passkey, orgId: organization.orgId, now }
    return { result: await work(scope, entered) }
  })
  return done === undefined ? await refuse("passkey-used-meanwhile", passkeyRefused()) : done.result
}

/**
 * Shows the second factor of the caller's session with one of its own passkeys.
 *
 * @throws AppError "forbidden" when the answer does not fit
 */
export async function showPasskey(
  deps: PasskeyDeps,
  caller: Caller,
  answer: PasskeyAnswer,
): Promise<SessionTokens> {
  const { actor } = caller
  requireKind(actor, "user")
  const found = await findPasskey(deps.database.reader, answer.response.id)
  const passkey = found?.userId === actor.id ? found : undefined
  const expected = { purpose: "second-factor", userId: actor.id } as const
  const judged = await judge(deps, answer, { passkey, expected })
  return await showFactor(deps, caller, async (db) => {
    if (!(await use(db, judged, deps.clock.now()))) throw passkeyRefused()
    return "passkey"
  })
}

type Judged = { readonly passkey: Passkey; readonly challenge: Challenge; readonly counter: number }

async function judge(
  deps: PasskeyDeps,
  answer: PasskeyAnswer,
  by: {
    readonly passkey: Passkey | undefined
    readonly expected: { readonly purpose: "login" | "second-factor"; readonly userId: string }
  },
): Promise<Judged> {
  const { passkey } = by
  const expected = { ...by.expected, now: deps.clock.now() }
  const challenge = await readChallenge(deps.keyring, answer.challengeToken, expected)
  const site = relyingParty(deps, answer.host)
  if (passkey === undefined) throw passkeyRefused()
  const { userHandle } = answer.response.response
  const handle = Buffer.from(passkey.userId).toString("base64url")
  if (userHandle !== undefined && userHandle !== handle) throw passkeyRefused()
  return {
    passkey,
    challenge,
    counter: await verifyAnswer(answer.response, { challenge, relyingParty: site, passkey }),
  }
}

/** Uses the answer up: neither it nor a copy of the device with an older counter works again. */
async function use(db: Writer, { passkey, challenge, counter }: Judged, now: number): Promise<boolean> {
  return (await takeChallenge(db, challenge)) && (await advanceCounter(db, passkey.id, { counter, now }))
}

export function notActive(): AppError {
  const message = "Your account is not active in any organization: ask an administrator"
  return new AppError("unauthenticated", "UnauthorizedError", message)
}
