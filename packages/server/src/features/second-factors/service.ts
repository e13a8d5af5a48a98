import { type Session as Caller, requireKind } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  auditEvent,
  endEpoch,
  type OrganizationWrite,
  writeInOrganization,
} from "../../use-case/index.ts"
import { forgive } from "../attempts/index.ts"
import { type LoginDeps, provePassword } from "../logins/index.ts"
import {
  lockSession,
  markSecondFactor,
  type SecondFactor,
  type SessionTokens,
  signSession,
} from "../sessions/index.ts"
import { listOrganizationsOf } from "../users/index.ts"
import { burnCode, newRecoveryCodes, takeCode, totpAddress } from "./codes.ts"
import {
  confirmTotp,
  countRecoveryCodes,
  findTotp,
  hasPasskey,
  removeRecoveryCodes,
  removeTotp,
  saveUnconfirmedTotp,
  type Totp,
} from "./store.ts"
import { newTotp } from "./totp.ts"

const issuer = "Coffer"
/** 160 bits, as RFC 4226 advises. */
const secretLength = 20

export async function viewFactors(
  deps: LoginDeps,
  caller: Caller,
): Promise<{ readonly totp: Totp | undefined; readonly recoveryCodesLeft: number }> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor, reader } = { actor: scope.session.actor, reader: scope.reader }
    requireKind(actor, "user")
    const factors = {
      totp: await findTotp(reader, actor.id),
      recoveryCodesLeft: await countRecoveryCodes(reader, actor.id),
    }
    scope.audit("get-second-factors", null, { userId: actor.id })
    return factors
  })
}

/**
 * Begins to set up one-time passwords; they count once a code confirmed them.
 *
 * @throws AppError "forbidden" for a wrong password, "invalid" when they are set up already
 */
export async function enrolTotp(
  deps: LoginDeps,
  caller: Caller,
  password: string | undefined,
): Promise<{ readonly secret: string; readonly uri: string }> {
  requireKind(caller.actor, "user")
  const { user, attempt } = await provePassword(deps, caller, password)
  const totp = await newTotp(deps.random.bytes(secretLength), { issuer, email: user.email })
  const secretSealed = deps.keyring.records.seal(totpAddress(user.id), totp.secret)
  return await writeInOrganization(deps, caller, async (write) => {
    if (!(await saveUnconfirmedTotp(write.db, { userId: user.id, secretSealed, now: write.now }))) {
      const message = "One-time passwords are set up already: remove them first"
      throw new AppError("invalid", "BadRequest", message)
    }
    if (attempt !== undefined) await forgive(write.db, attempt)
    write.audit("enrol-totp", { userId: user.id })
    return totp
  })
}

/**
 * Confirms the enrolment with a code. From now on every session needs a second factor; this one has shown it.
 *
 * @returns recovery codes, in place of all there were
 */
export async function confirmEnrolment(
  deps: LoginDeps,
  caller: Caller,
  code: string,
): Promise<readonly string[]> {
  const { actor } = caller
  requireKind(actor, "user")
  const shown = await takeCode(deps, actor.id, code)
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      await burnCode(deps, write.db, shown, { isConfirmed: false })
      await confirmTotp(write.db, actor.id, write.now)
      await markSecondFactor(write.db, write.actor.tokenId, "totp")
      await endEpoch(deps, write, [actor.id])
      write.audit("confirm-totp", { userId: actor.id })
      return await newRecoveryCodes(deps, write.db, actor.id)
    },
    { endsOwnEpoch: true },
  )
}

/** Removes one-time passwords, against a code. Without any factor left the recovery codes go too. */
export async function removeOwnTotp(deps: LoginDeps, caller: Caller, code: string): Promise<void> {
  const { actor } = caller
  requireKind(actor, "user")
  const shown = await takeCode(deps, actor.id, code)
  await writeInOrganization(
    deps,
    caller,
    async (write) => {
      const secondFactor = await burnCode(deps, write.db, shown, { isConfirmed: true })
      await removeTotp(write.db, actor.id)
      await removeUnneededRecoveryCodes(write.db, actor.id)
      await endEpoch(deps, write, [actor.id])
      write.audit("remove-totp", { userId: actor.id, secondFactor })
    },
    { endsOwnEpoch: true },
  )
}

/**
 * New recovery codes in place of all there were, against a code.
 *
 * @throws AppError "forbidden" for a wrong code, "invalid" for somebody without a second factor
 */
export async function renewRecoveryCodes(
  deps: LoginDeps,
  caller: Caller,
  code: string,
): Promise<readonly string[]> {
  const { actor } = caller
  requireKind(actor, "user")
  const shown = await takeCode(deps, actor.id, code)
  return await writeInOrganization(deps, caller, async (write) => {
    const secondFactor = await burnCode(deps, write.db, shown, { isConfirmed: true })
    write.audit("create-recovery-codes", { userId: actor.id, secondFactor })
    return await newRecoveryCodes(deps, write.db, actor.id)
  })
}

/**
 * Shows the second factor of the caller's session: a one-time password or a recovery code.
 *
 * @returns tokens of the same session for the same organization, which open it now
 * @throws AppError "forbidden" when the code is wrong or was used, or there were too many
 */
export async function verifyFactor(deps: LoginDeps, caller: Caller, code: string): Promise<SessionTokens> {
  requireKind(caller.actor, "user")
  const shown = await takeCode(deps, caller.actor.id, code)
  return await showFactor(deps, caller, (db) => burnCode(deps, db, shown, { isConfirmed: true }))
}

/**
 * Marks the caller's session as one that has shown a second factor.
 *
 * @param prove uses the proof up, inside the same write, and throws when it is none
 */
export async function showFactor(
  deps: LoginDeps,
  caller: Caller,
  prove: (db: OrganizationWrite["db"]) => Promise<SecondFactor>,
): Promise<SessionTokens> {
  const { actor, source } = caller
  const session = await deps.database.write(async (scope) => {
    const secondFactor = await prove(scope.db)
    const own = await lockSession(scope.db, actor.id, actor.tokenId)
    if (own === undefined || own.revokedAt !== null) throw sessionIsOver()
    await markSecondFactor(scope.db, own.id, secondFactor)
    await endEpoch(deps, writeOf(scope), [actor.id])
    const metadata = { userId: actor.id, sessionId: own.id, secondFactor }
    const there = { ...caller, actor: { ...actor, orgId: await orgToTell(scope.db, actor) } }
    scope.audit(auditEvent(deps, there, "show-second-factor", { projectId: null, metadata }))
    return { ...own, secondFactor }
  })
  const isForCommandLine = source.userAgentType === "cli"
  return await signSession(deps, { session, email: actor.name, orgId: actor.orgId, isForCommandLine })
}

/** Recovery codes for somebody who has none left; none for the others, who keep theirs. */
export async function ensureRecoveryCodes(
  deps: LoginDeps,
  db: OrganizationWrite["db"],
  userId: string,
): Promise<readonly string[]> {
  return (await countRecoveryCodes(db, userId)) > 0 ? [] : await newRecoveryCodes(deps, db, userId)
}

/** Without any factor left recovery codes stand in for nothing. */
export async function removeUnneededRecoveryCodes(
  db: OrganizationWrite["db"],
  userId: string,
): Promise<void> {
  const totp = await findTotp(db, userId)
  if ((totp?.confirmedAt ?? null) !== null || (await hasPasskey(db, userId))) return
  await removeRecoveryCodes(db, userId)
}

function writeOf(scope: Pick<OrganizationWrite, "db" | "afterCommit">) {
  return { db: scope.db, afterCommit: (effect: () => void) => scope.afterCommit(effect) }
}

/** Whose audit log tells of somebody who has not chosen an organization. */
async function orgToTell(
  db: OrganizationWrite["db"],
  actor: { readonly id: string; readonly orgId: string },
): Promise<string> {
  if (actor.orgId !== "") return actor.orgId
  return (await listOrganizationsOf(db, actor.id))[0]?.orgId ?? ""
}

function sessionIsOver(): AppError {
  return new AppError("unauthenticated", "UnauthorizedError", "The session is over: log in again")
}
