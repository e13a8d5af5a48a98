import type { PasskeyAssertion } from "@coffer/contract"
import type { RegistrationResponseJSON } from "@simplewebauthn/server"
import { type Session as Caller, requireKind } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { answerRead, endEpoch, writeInOrganization } from "../../use-case/index.ts"
import { forgive } from "../attempts/index.ts"
import { type LoginDeps, provePassword } from "../logins/index.ts"
import { ensureRecoveryCodes, removeUnneededRecoveryCodes } from "../second-factors/index.ts"
import { markSecondFactor } from "../sessions/index.ts"
import { passkeyRefused, readChallenge, signChallenge } from "./challenge.ts"
import { maxPasskeys, type Passkey } from "./domain.ts"
import { type RelyingParty, relyingPartyOf } from "./relying-party.ts"
import { insertPasskey, listPasskeys, removePasskey, renamePasskey, takeChallenge } from "./store.ts"
import { creationOptions, verifyCreation } from "./verify.ts"

export type PasskeyDeps = LoginDeps & {
  /** The address by which people reach this server; `undefined` when nobody configured it. */
  readonly siteUrl: string | undefined
}

export const challengeLength = 32

export function relyingParty(deps: PasskeyDeps, host: string | undefined): RelyingParty {
  return relyingPartyOf(deps.siteUrl, host)
}

/**
 * Begins to add a passkey.
 *
 * @throws AppError "forbidden" for a wrong password, "invalid" when there are too many passkeys or no site is configured
 */
export async function beginRegistration(
  deps: PasskeyDeps,
  caller: Caller,
  by: { readonly password: string | undefined; readonly host: string | undefined },
): Promise<{ readonly options: object; readonly challengeToken: string }> {
  requireKind(caller.actor, "user")
  const site = relyingParty(deps, by.host)
  const { user, attempt } = await provePassword(deps, caller, by.password)
  const known = await writeInOrganization(deps, caller, async (write) => {
    if (attempt !== undefined) await forgive(write.db, attempt)
    write.audit("begin-passkey", { userId: user.id })
    return await listPasskeys(write.db, user.id)
  })
  if (known.length >= maxPasskeys) throw tooMany()
  const challengeBytes = deps.random.bytes(challengeLength)
  const of = { challengeBytes, purpose: "register", userId: user.id } as const
  return {
    options: await creationOptions({ relyingParty: site, challengeBytes, user, known }),
    challengeToken: await signChallenge(deps.keyring, of, deps.clock.now()),
  }
}

/**
 * Adds a passkey. From now on every session needs a second factor; this one has shown it.
 *
 * @returns recovery codes when the person had none: they are shown this once
 * @throws AppError "forbidden" when the answer does not fit, "invalid" when the passkey is known already
 */
export async function register(
  deps: PasskeyDeps,
  caller: Caller,
  input: {
    readonly name: string
    readonly challengeToken: string
    readonly response: RegistrationResponseJSON
    readonly host: string | undefined
  },
): Promise<{ readonly passkey: Passkey; readonly recoveryCodes: readonly string[] }> {
  const { actor } = caller
  requireKind(actor, "user")
  const expected = { purpose: "register", userId: actor.id, now: deps.clock.now() } as const
  const challenge = await readChallenge(deps.keyring, input.challengeToken, expected)
  const by = { challenge, relyingParty: relyingParty(deps, input.host) }
  const credential = await verifyCreation(input.response, by)
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      if (!(await takeChallenge(write.db, challenge))) throw passkeyRefused()
      const passkey: Passkey = {
        ...credential,
        userId: actor.id,
        name: input.name,
        createdAt: write.now,
        lastUsedAt: null,
      }
      if ((await listPasskeys(write.db, actor.id)).length >= maxPasskeys) throw tooMany()
      if (!(await insertPasskey(write.db, passkey))) {
        throw new AppError("invalid", "BadRequest", "This passkey is registered already")
      }
      await markSecondFactor(write.db, write.actor.tokenId, "passkey")
      const recoveryCodes = await ensureRecoveryCodes(deps, write.db, actor.id)
      await endEpoch(deps, write, [actor.id])
      write.audit("create-passkey", { userId: actor.id, passkeyId: passkey.id, name: passkey.name })
      return { passkey, recoveryCodes }
    },
    { endsOwnEpoch: true },
  )
}

export async function viewPasskeys(deps: PasskeyDeps, caller: Caller): Promise<readonly Passkey[]> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor } = scope.session
    requireKind(actor, "user")
    scope.audit("get-second-factors", null, { userId: actor.id })
    return await listPasskeys(scope.reader, actor.id)
  })
}

/** @throws AppError "not-found" when the caller has no such passkey */
export async function rename(
  deps: PasskeyDeps,
  caller: Caller,
  change: { readonly id: string; readonly name: string },
): Promise<void> {
  await writeInOrganization(deps, caller, async (write) => {
    const { actor } = write
    requireKind(actor, "user")
    const of = { userId: actor.id, id: change.id }
    if (!(await renamePasskey(write.db, of, change.name))) throw noSuchPasskey()
    write.audit("update-passkey", { userId: actor.id, passkeyId: change.id, name: change.name })
  })
}

/** Removes a passkey; the session that asks has shown a factor, or it would open nothing. */
export async function remove(
  deps: PasskeyDeps,
  caller: Caller,
  input: { readonly id: string; readonly password: string | undefined },
): Promise<void> {
  requireKind(caller.actor, "user")
  const { attempt } = await provePassword(deps, caller, input.password)
  await writeInOrganization(
    deps,
    caller,
    async (write) => {
      const { actor } = write
      if (attempt !== undefined) await forgive(write.db, attempt)
      if (!(await removePasskey(write.db, { userId: actor.id, id: input.id }))) throw noSuchPasskey()
      await removeUnneededRecoveryCodes(write.db, actor.id)
      await endEpoch(deps, write, [actor.id])
      write.audit("delete-passkey", { userId: actor.id, passkeyId: input.id })
    },
    { endsOwnEpoch: true },
  )
}

function tooMany(): AppError {
  return new AppError("invalid", "BadRequest", `There are ${maxPasskeys} passkeys already: remove one first`)
}

function noSuchPasskey(): AppError {
  return new AppError("not-found", "NotFound", "There is no such passkey")
}

export type PasskeyAnswer = {
  readonly challengeToken: string
  readonly response: PasskeyAssertion
  readonly host: string | undefined
}
