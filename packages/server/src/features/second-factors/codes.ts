import type { Writer } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { type Attempt, forgive, takeCodeAttempt } from "../attempts/index.ts"
import type { LoginDeps } from "../logins/index.ts"
import {
  kindOfCode,
  recoveryCodeCount,
  recoveryCodeLength,
  recoveryCodeOf,
  showRecoveryCode,
  type TypedFactor,
} from "./domain.ts"
import { burnStep, findTotp, replaceRecoveryCodes, type Totp, useRecoveryCode } from "./store.ts"
import { loadTotp, stepOfCode } from "./totp.ts"

/** Where the sealed secret of a user's one-time passwords lives. */
export function totpAddress(userId: string) {
  return { orgId: "", recordId: userId, field: "user:totp" } as const
}

/** A code whose attempt was counted; {@link burnCode} says whether it was right. */
export type ShownCode = {
  readonly userId: string
  readonly code: string
  readonly kind: TypedFactor
  readonly attempt: Attempt
}

/**
 * Counts the attempt, before anything is compared: five per person and quarter of an hour, from wherever they come.
 *
 * @param code in its canonical form
 * @throws AppError "forbidden" when there were too many
 */
export async function takeCode(deps: LoginDeps, userId: string, code: string): Promise<ShownCode> {
  await loadTotp()
  const attempt = await takeCodeAttempt(deps, userId)
  if (attempt === undefined) throw wrongCode()
  return { userId, code, kind: kindOfCode(code), attempt }
}

/**
 * Uses the code up, inside the write of what it was shown for. It never works again, nor does an older one-time password.
 *
 * @param of whether the one-time passwords count already; recovery codes prove no enrolment
 * @throws AppError "forbidden" when it is wrong or was used
 */
export async function burnCode(
  deps: LoginDeps,
  db: Writer,
  shown: ShownCode,
  of: { readonly isConfirmed: boolean },
): Promise<TypedFactor> {
  const { userId, code, kind } = shown
  const now = deps.clock.now()
  const totp = await findTotp(db, userId)
  const isRight =
    kind === "totp"
      ? await burnTotp(deps, db, { totp, code, isConfirmed: of.isConfirmed, now })
      : of.isConfirmed && (await useRecoveryCode(db, { userId, hash: recoveryHash(deps, userId, code), now }))
  if (!isRight) throw wrongCode()
  await forgive(db, shown.attempt)
  return kind
}

async function burnTotp(
  deps: LoginDeps,
  db: Writer,
  of: {
    readonly totp: Totp | undefined
    readonly code: string
    readonly isConfirmed: boolean
    readonly now: number
  },
): Promise<boolean> {
  const { totp, code, isConfirmed, now } = of
  if (totp === undefined || (totp.confirmedAt !== null) !== isConfirmed) return false
  const secret = deps.keyring.records.open(totpAddress(totp.userId), totp.secretSealed)
  const step = await stepOfCode(secret, code, now)
  return step !== undefined && (await burnStep(db, totp.userId, step))
}

/** New recovery codes in place of all there were; they are shown this once. */
export async function newRecoveryCodes(
  deps: LoginDeps,
  db: Writer,
  userId: string,
): Promise<readonly string[]> {
  const codes = Array.from({ length: recoveryCodeCount }, () =>
    recoveryCodeOf(deps.random.bytes(recoveryCodeLength)),
  )
  const hashes = codes.map((code) => recoveryHash(deps, userId, code))
  await replaceRecoveryCodes(db, userId, { hashes, now: deps.clock.now() })
  return codes.map(showRecoveryCode)
}

function recoveryHash(deps: LoginDeps, userId: string, code: string): Uint8Array {
  return deps.keyring.credentialHash("recovery-code", `${userId}:${code}`)
}

function wrongCode(): AppError {
  const message =
    "The code is wrong or was used already, or there were too many attempts; in that case wait 15 minutes"
  return new AppError("forbidden", "ForbiddenError", message)
}
