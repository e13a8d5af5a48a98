import type { AccessTokenAnswer } from "@coffer/contract"
import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import { AppError } from "../../errors.ts"
import { type Bearer, findByIdentity, sealedFieldOf } from "../auth-methods/index.ts"
import { draftToken, signDraft, type TokensDeps } from "../tokens/index.ts"
import type { ExternalKind, ExternalMethod, Proof } from "./external-method.ts"
import type { KeySets } from "./key-sets.ts"
import { LoginRefusal, unauthorized } from "./login-refusal.ts"

export type ExternalLoginDeps = TokensDeps & {
  readonly keySets: KeySets
  /** `ALLOW_INTERNAL_IP_CONNECTIONS`. */
  readonly allowInternalConnections: boolean
}

export type ExternalCredentials = {
  readonly identityId: string
  readonly jwt: string
  readonly organizationSlug: string | undefined
}

/**
 * Logs in with a token of somebody else's. The token is judged outside of any transaction; a refused login is in the
 * audit log before the client hears of it.
 *
 * @throws AppError "not-found" when the identity has no such method; "unauthenticated" or "forbidden" when the token
 * proves nothing; "unavailable" when who issued it can't be asked
 */
export async function login<Wanted, Settings extends object>(
  deps: ExternalLoginDeps,
  source: AuditSource,
  method: ExternalMethod<Wanted, Settings>,
  credentials: ExternalCredentials,
): Promise<AccessTokenAnswer> {
  const { identityId } = credentials
  const bearer = await findByIdentity<Settings>(deps.database.reader, identityId, method.kind)
  try {
    if (bearer === undefined) throw notConfigured(method.title)
    requireMember(bearer, credentials)
    const proof = await method.prove(bearer.method.settings, credentials.jwt, {
      now: deps.clock.now(),
      keySets: deps.keySets,
      allowPrivateAddresses: deps.allowInternalConnections,
      unseal: (field, sealed) => {
        const address = sealedFieldOf({ orgId: bearer.orgId, identityId }, method.kind)(field)
        return deps.keyring.records.open(address, Buffer.from(sealed, "base64"))
      },
    })
    return await logIn(deps, source, { kind: method.kind, bearer, proof })
  } catch (error) {
    if (!(error instanceof LoginRefusal)) throw error
    const { reasonCode } = error
    const metadata = {
      identityId: bearer === undefined ? null : identityId,
      [methodIdFields[method.kind]]: bearer?.method.id ?? null,
      reasonCode,
      message: error.message,
    }
    const type = `login-identity-${method.kind}-failed` as const
    const failed = event(deps, source, bearer, { method: method.kind, type, metadata })
    await deps.database.record([failed], { projectIds: [], actorIds: [] })
    throw error.error
  }
}

/** What the id of a method is called in events, as the contract calls that of universal auth. */
const methodIdFields = {
  "kubernetes-auth": "identityKubernetesAuthId",
  "jwt-auth": "identityJwtAuthId",
  "oidc-auth": "identityOidcAuthId",
} as const satisfies Record<ExternalKind, string>

function requireMember(bearer: Bearer<unknown>, { organizationSlug }: ExternalCredentials): void {
  if (bearer.orgRole === undefined) {
    throw unauthorized("not-a-member", "The identity is not an active member of its organization")
  }
  if (organizationSlug === undefined || organizationSlug === "" || organizationSlug === bearer.orgSlug) return
  throw unauthorized("other-organization", "The identity does not belong to the organization that was named")
}

async function logIn(
  deps: ExternalLoginDeps,
  source: AuditSource,
  accepted: { readonly kind: ExternalKind; readonly bearer: Bearer<unknown>; readonly proof: Proof },
): Promise<AccessTokenAnswer> {
  const { kind, bearer, proof } = accepted
  const { method } = bearer
  const draft = await deps.database.write(async (scope) => {
    const current = (await findByIdentity(scope.db, method.identityId, kind))?.method
    // Changed or taken away while the token was judged: judge again.
    if (current?.id !== method.id || current.updatedAt !== method.updatedAt) {
      throw new AppError("unavailable", "ServiceUnavailable", "The auth method is changing; try again", {
        retryAfterSeconds: 1,
      })
    }
    const order = {
      orgId: bearer.orgId,
      identityId: method.identityId,
      identityName: bearer.identityName,
      authMethodId: method.id,
      method: kind,
      clientSecretId: null,
      ttlSeconds: method.accessTokenTTL,
      maxTtlSeconds: method.accessTokenMaxTTL,
      periodSeconds: method.accessTokenPeriod,
      usesLimit: method.accessTokenNumUsesLimit,
    }
    const made = await draftToken(deps, scope.db, order, deps.clock.now())
    const metadata = {
      identityId: method.identityId,
      [methodIdFields[kind]]: method.id,
      identityAccessTokenId: made.id,
      subject: proof.subject.slice(0, 512),
    }
    scope.audit(event(deps, source, bearer, { method: kind, type: `login-identity-${kind}`, metadata }))
    return made
  })
  return signDraft(deps, draft)
}

function event(
  deps: ExternalLoginDeps,
  source: AuditSource,
  bearer: Bearer<unknown> | undefined,
  about: {
    readonly method: ExternalKind
    readonly type: `login-identity-${ExternalKind}` | `login-identity-${ExternalKind}-failed`
    readonly metadata: AuditEvent["metadata"]
  },
): AuditEvent {
  const actor: AuditActor =
    bearer === undefined
      ? { type: "unknown" }
      : {
          type: "identity",
          id: bearer.method.identityId,
          name: bearer.identityName,
          authMethod: about.method,
        }
  return {
    id: deps.random.uuid(),
    at: deps.clock.now(),
    type: about.type,
    orgId: bearer?.orgId ?? "",
    projectId: null,
    actor,
    source,
    metadata: about.metadata,
  }
}

function notConfigured(title: string): LoginRefusal {
  const message = `${title} method not found for identity, did you configure ${title.toLowerCase()}?`
  return new LoginRefusal("not-configured", new AppError("not-found", "NotFound", message))
}
