import { timingSafeEqual } from "node:crypto"
import type { AccessTokenAnswer } from "@coffer/contract"
import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import type { Writer, WriteScope } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { isInRanges } from "../../network-address.ts"
import type { AuthMethod } from "../auth-methods/index.ts"
import { findByClientId } from "../auth-methods/index.ts"
import { draftToken, signDraft, type TokenDraft, type TokensDeps } from "../tokens/index.ts"
import { judgeClientSecret, type UniversalAuthSettings } from "./domain.ts"
import {
  awaitTurn,
  type Claimant,
  countWrongSecret,
  forgiveFailures,
  isStillAdmitted,
  standingOf,
  unknownClientId,
} from "./lockout.ts"
import { consumeClientSecret, listCandidates, revokeClientSecret, type StoredClientSecret } from "./store.ts"

export type LoginDeps = TokensDeps

export type Credentials = {
  readonly clientId: string
  readonly clientSecret: string
  readonly organizationSlug: string | undefined
}

/** A known client id and whom it belongs to. */
type Client = NonNullable<Awaited<ReturnType<typeof findByClientId<UniversalAuthSettings>>>>

/** Why a login was refused: the code is for the audit log, the error for the client. */
type Refusal = { readonly reasonCode: string; readonly error: AppError }

/**
 * Logs in with universal auth (contract 2.1). The checks come in the contract's order; until the client secret
 * matched, every refusal says the same. A refused login is in the audit log before the client hears of it.
 *
 * @throws AppError "unauthenticated" or "forbidden"
 */
export async function login(
  deps: LoginDeps,
  source: AuditSource,
  credentials: Credentials,
): Promise<AccessTokenAnswer> {
  const client = await findByClientId<UniversalAuthSettings>(deps.database.reader, credentials.clientId)
  const judged = await judge(deps, source, credentials, client)
  // One write whatever comes of it: how long it takes must not tell a right secret that came too late from a wrong one.
  const ended = await deps.database.write(async (scope) => {
    const outcome = judged.kind === "refused" ? judged : await logIn(deps, scope, source, judged)
    if (outcome.kind === "logged-in") return outcome.draft
    return await refuse(deps, scope, { source, client, clientId: credentials.clientId }, outcome)
  })
  if (ended instanceof AppError) throw ended
  return signDraft(deps, ended)
}

type Judged =
  | { readonly kind: "accepted"; readonly client: Client; readonly secret: StoredClientSecret }
  | {
      readonly kind: "refused"
      readonly refusal: Refusal
      /** What comparing the secret gave; a wrong one counts towards the lockout, nothing else does. */
      readonly secret: "not-compared" | "wrong" | "right"
      /** A secret that is expired or used up gets revoked; tokens it opened before live on. */
      readonly deadSecret?: StoredClientSecret
    }

type Refused = Extract<Judged, { kind: "refused" }>

async function judge(
  deps: LoginDeps,
  source: AuditSource,
  credentials: Credentials,
  client: Client | undefined,
): Promise<Judged> {
  const now = deps.clock.now()
  const settings = client?.method.settings
  if (settings !== undefined && !isInRanges(source.ipAddress, settings.clientSecretTrustedIps)) {
    return refused(
      "ip-not-allowed",
      forbidden("You are not allowed to access this resource from the current IP address"),
    )
  }
  const { isLockedOut } = await standingOf(deps.database.reader, claimantOf(client, source), now)
  if (isLockedOut) return lockedOut()
  const secret = await matchingSecret(deps, client?.method, credentials.clientSecret)
  if (client === undefined || secret === undefined) {
    const reason = client === undefined ? "unknown-client-id" : "wrong-client-secret"
    return { ...refused(reason, unauthorized("Invalid credentials")), secret: "wrong" }
  }
  const verdict = judgeClientSecret(secret, now).kind
  if (verdict === "expired") {
    const error = unauthorized("Access denied due to expired client secret")
    return { ...refusedAfterAll("expired-client-secret", error), deadSecret: secret }
  }
  if (verdict !== "usable") return usedUp(secret)
  if (client.orgRole === undefined) {
    return refusedAfterAll(
      "not-a-member",
      unauthorized("The identity is not an active member of its organization"),
    )
  }
  const { organizationSlug } = credentials
  if (organizationSlug !== undefined && organizationSlug !== "" && organizationSlug !== client.orgSlug) {
    const error = unauthorized(`The identity does not belong to the organization '${organizationSlug}'`)
    return refusedAfterAll("other-organization", error)
  }
  return { kind: "accepted", client, secret }
}

function claimantOf(client: Client | undefined, { ipAddress }: AuditSource): Claimant {
  return { method: client?.method, ipAddress }
}

/** Compares with every candidate, whether or not one matched already, in constant time each. */
async function matchingSecret(
  deps: LoginDeps,
  method: AuthMethod<UniversalAuthSettings> | undefined,
  clear: string,
): Promise<StoredClientSecret | undefined> {
  const hashBytes = deps.keyring.credentialHash("client-secret", clear)
  const candidates = await listCandidates(
    deps.database.reader,
    method?.id ?? unknownClientId,
    clear.slice(0, 4),
  )
  let match: StoredClientSecret | undefined
  for (const candidate of candidates) {
    if (timingSafeEqual(candidate.hashBytes, hashBytes)) match = candidate
  }
  return match
}

/**
 * Logs in, unless other logins used the client secret up, or failed too often, or somebody revoked it, since it was judged.
 */
async function logIn(
  deps: LoginDeps,
  scope: WriteScope,
  source: AuditSource,
  { client, secret }: Extract<Judged, { kind: "accepted" }>,
): Promise<{ readonly kind: "logged-in"; readonly draft: TokenDraft } | Refused> {
  const { method } = client
  const claimant = claimantOf(client, source)
  const now = deps.clock.now()
  const standing = method.settings.lockoutEnabled ? await awaitTurn(scope.db, claimant, now) : undefined
  if (standing?.isLockedOut === true) return lockedOut()
  if (!(await consumeClientSecret(scope.db, secret.id, now))) return usedUp(secret)
  if (standing !== undefined) await forgiveFailures(scope.db, claimant, standing)
  const order = {
    orgId: client.orgId,
    identityId: method.identityId,
    identityName: client.identityName,
    authMethodId: method.id,
    method: "universal-auth",
    clientSecretId: secret.id,
    ttlSeconds: method.accessTokenTTL,
    maxTtlSeconds: method.accessTokenMaxTTL,
    periodSeconds: method.accessTokenPeriod,
    usesLimit: method.accessTokenNumUsesLimit,
  }
  const draft = await draftToken(deps, scope.db, order, now)
  scope.audit(
    event(deps, source, client, "login-identity-universal-auth", {
      identityId: method.identityId,
      identityUniversalAuthId: method.id,
      clientSecretId: secret.id,
      identityAccessTokenId: draft.id,
    }),
  )
  return { kind: "logged-in", draft }
}

/** Whether the client may hear why, by then. */
const answering = {
  "not-compared": async () => true,
  wrong: countWrongSecret,
  right: isStillAdmitted,
} as const satisfies Record<
  Refused["secret"],
  (db: Writer, claimant: Claimant, now: number) => Promise<boolean>
>

/**
 * Writes down a refusal: the audit event and, for a wrong secret, the counters of the lockout. They are the one
 * exception to "a request that failed changed nothing".
 *
 * @returns what the client hears
 */
async function refuse(
  deps: LoginDeps,
  scope: WriteScope,
  about: { readonly source: AuditSource; readonly client: Client | undefined; readonly clientId: string },
  judged: Refused,
): Promise<AppError> {
  const { source, client } = about
  const now = deps.clock.now()
  const mayTell = await answering[judged.secret](scope.db, claimantOf(client, source), now)
  const { refusal, deadSecret } = mayTell ? judged : lockedOut()
  if (deadSecret !== undefined) await revokeClientSecret(scope.db, deadSecret.id, now)
  scope.audit(
    event(deps, source, client, "login-identity-universal-auth-failed", {
      // What an unknown client id holds may be anything, a secret in the wrong field included.
      clientId: client === undefined ? unknownClientId : about.clientId,
      identityId: client?.method.identityId ?? null,
      reasonCode: refusal.reasonCode,
      message: refusal.error.message,
    }),
  )
  return refusal.error
}

function event(
  deps: LoginDeps,
  source: AuditSource,
  client: Client | undefined,
  type: "login-identity-universal-auth" | "login-identity-universal-auth-failed",
  metadata: AuditEvent["metadata"],
): AuditEvent {
  const actor: AuditActor =
    client === undefined
      ? { type: "unknown" }
      : {
          type: "identity",
          id: client.method.identityId,
          name: client.identityName,
          authMethod: "universal-auth",
        }
  return {
    id: deps.random.uuid(),
    at: deps.clock.now(),
    type,
    orgId: client?.orgId ?? "",
    projectId: null,
    actor,
    source,
    metadata,
  }
}

function lockedOut(): Refused {
  const message = "This identity auth method is temporarily locked, please try again later"
  return refused("locked", unauthorized(message))
}

function usedUp(secret: StoredClientSecret): Refused {
  const error = unauthorized("Access denied due to client secret usage limit reached")
  return { ...refusedAfterAll("client-secret-used-up", error), deadSecret: secret }
}

function refused(reasonCode: string, error: AppError): Refused {
  return { kind: "refused", refusal: { reasonCode, error }, secret: "not-compared" }
}

/** For whoever showed the right secret: what is said tells that it was. */
function refusedAfterAll(reasonCode: string, error: AppError): Refused {
  return { ...refused(reasonCode, error), secret: "right" }
}

function unauthorized(message: string): AppError {
  return new AppError("unauthenticated", "UnauthorizedError", message)
}

function forbidden(message: string): AppError {
  return new AppError("forbidden", "ForbiddenError", message)
}
