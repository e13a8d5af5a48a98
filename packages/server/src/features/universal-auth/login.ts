import { timingSafeEqual } from "node:crypto"
import type { AccessTokenAnswer } from "@coffer/contract"
import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import type { Writer } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { canonicalSource, isInRanges } from "../../network-address.ts"
import type { AuthMethod } from "../auth-methods/index.ts"
import { findByClientId } from "../auth-methods/index.ts"
import { draftToken, signDraft, type TokenDraft, type TokensDeps } from "../tokens/index.ts"
import { capFactor, countFailure, isLocked, judgeClientSecret, type UniversalAuthSettings } from "./domain.ts"
import {
  clearFailures,
  consumeClientSecret,
  listCandidates,
  listFailures,
  revokeClientSecret,
  type StoredClientSecret,
  saveFailure,
} from "./store.ts"

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

/** All failures of a client id together. */
const everySource = ""
/** Where the work for an unknown client id goes, so that it costs as much as for a known one. */
const unknownClientId = "(unknown)"

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
  const ended = judged.kind === "refused" ? judged : await logIn(deps, source, judged)
  if (ended.kind === "logged-in") return signDraft(deps, ended.draft)
  await refuse(deps, source, { client, clientId: credentials.clientId }, ended)
  throw ended.refusal.error
}

type Judged =
  | {
      readonly kind: "accepted"
      readonly client: Client
      readonly secret: StoredClientSecret
      readonly hadFailures: boolean
    }
  | {
      readonly kind: "refused"
      readonly refusal: Refusal
      /** A wrong secret counts towards the lockout; nothing else does. */
      readonly isWrongSecret: boolean
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
  const failures = await listFailures(
    deps.database.reader,
    client?.method.clientId ?? unknownClientId,
    canonicalSource(source.ipAddress),
  )
  if (settings?.lockoutEnabled === true && [...failures.values()].some((count) => isLocked(count, now))) {
    return refused(
      "locked",
      unauthorized("This identity auth method is temporarily locked, please try again later"),
    )
  }
  const secret = await matchingSecret(deps, client?.method, credentials.clientSecret)
  if (client === undefined || secret === undefined) {
    const reason = client === undefined ? "unknown-client-id" : "wrong-client-secret"
    return { ...refused(reason, unauthorized("Invalid credentials")), isWrongSecret: true }
  }
  const verdict = judgeClientSecret(secret, now).kind
  if (verdict === "expired") {
    const error = unauthorized("Access denied due to expired client secret")
    return { ...refused("expired-client-secret", error), deadSecret: secret }
  }
  if (verdict !== "usable") return usedUp(secret)
  if (client.orgRole === undefined) {
    return refused("not-a-member", unauthorized("The identity is not an active member of its organization"))
  }
  const { organizationSlug } = credentials
  if (organizationSlug !== undefined && organizationSlug !== "" && organizationSlug !== client.orgSlug) {
    const error = unauthorized(`The identity does not belong to the organization '${organizationSlug}'`)
    return refused("other-organization", error)
  }
  return { kind: "accepted", client, secret, hadFailures: failures.size > 0 }
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

/** Logs in, unless other logins used the client secret up, or somebody revoked it, since it was judged. */
async function logIn(
  deps: LoginDeps,
  source: AuditSource,
  accepted: Extract<Judged, { kind: "accepted" }>,
): Promise<{ readonly kind: "logged-in"; readonly draft: TokenDraft } | Refused> {
  const { client, secret } = accepted
  const { method } = client
  const now = deps.clock.now()
  const draft = await deps.database.write(async (scope) => {
    if (!(await consumeClientSecret(scope.db, secret.id, now))) return undefined
    if (accepted.hadFailures && method.clientId !== null) {
      const sources = [canonicalSource(source.ipAddress), everySource]
      await clearFailures(scope.db, method.clientId, sources)
    }
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
    const made = await draftToken(deps, scope.db, order, now)
    scope.audit(
      event(deps, source, client, "login-identity-universal-auth", {
        identityId: method.identityId,
        identityUniversalAuthId: method.id,
        clientSecretId: secret.id,
        identityAccessTokenId: made.id,
      }),
    )
    return made
  })
  return draft === undefined ? usedUp(secret) : { kind: "logged-in", draft }
}

/**
 * Makes a refusal durable: the audit event and, for a wrong secret, the counters of the lockout. They are the one
 * exception to "a request that failed changed nothing".
 */
async function refuse(
  deps: LoginDeps,
  source: AuditSource,
  about: { readonly client: Client | undefined; readonly clientId: string },
  judged: Refused,
): Promise<void> {
  const { client } = about
  const now = deps.clock.now()
  await deps.database.write(async (scope) => {
    if (judged.isWrongSecret) await countFailures(scope.db, client?.method, source, now)
    if (judged.deadSecret !== undefined) {
      await revokeClientSecret(scope.db, judged.deadSecret.id, now)
    }
    scope.audit(
      event(deps, source, client, "login-identity-universal-auth-failed", {
        // What an unknown client id holds may be anything, a secret in the wrong field included.
        clientId: client === undefined ? unknownClientId : about.clientId,
        identityId: client?.method.identityId ?? null,
        reasonCode: judged.refusal.reasonCode,
        message: judged.refusal.error.message,
      }),
    )
  })
}

const dummySettings = {
  lockoutThreshold: 30,
  lockoutDurationSeconds: 30,
  lockoutCounterResetSeconds: 5,
  lockoutEnabled: true,
}

async function countFailures(
  db: Writer,
  method: AuthMethod<UniversalAuthSettings> | undefined,
  source: AuditSource,
  now: number,
): Promise<void> {
  const settings = method?.settings ?? dummySettings
  if (!settings.lockoutEnabled) return
  const clientId = method?.clientId ?? unknownClientId
  const ownSource = method === undefined ? unknownClientId : canonicalSource(source.ipAddress)
  const counts = await listFailures(db, clientId, ownSource)
  await saveFailure(db, { clientId, source: ownSource }, countFailure(counts.get(ownSource), settings, now))
  const cap = { ...settings, lockoutThreshold: settings.lockoutThreshold * capFactor }
  await saveFailure(db, { clientId, source: everySource }, countFailure(counts.get(everySource), cap, now))
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

function usedUp(secret: StoredClientSecret): Refused {
  const error = unauthorized("Access denied due to client secret usage limit reached")
  return { ...refused("client-secret-used-up", error), deadSecret: secret }
}

function refused(reasonCode: string, error: AppError): Refused {
  return { kind: "refused", refusal: { reasonCode, error }, isWrongSecret: false }
}

function unauthorized(message: string): AppError {
  return new AppError("unauthenticated", "UnauthorizedError", message)
}

function forbidden(message: string): AppError {
  return new AppError("forbidden", "ForbiddenError", message)
}
