import { type AccessTokenAnswer, accessTokenDefaults, type tokenAuthSettings } from "@coffer/contract"
import type { z } from "zod"
import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  endEpoch,
  type OrganizationWrite,
  type ReadScope,
  writeInOrganization,
} from "../../use-case/index.ts"
import {
  type AuthMethod,
  findAuthMethod,
  insertAuthMethod,
  removeAuthMethod,
  requireConsistentLimits,
  trustedRanges,
  updateAuthMethod,
} from "../auth-methods/index.ts"
import { authorizeInOrganization } from "../authorization/index.ts"
import { getCoveredIdentity, type Identity, requireIdentity } from "../identities/index.ts"
import {
  draftToken,
  findToken,
  listTokensOfMethod,
  renameToken,
  revokeTokens,
  signDraft,
  type TokenFamily,
  type TokensDeps,
} from "../tokens/index.ts"

export type TokenAuthDeps = TokensDeps
/** Token auth has no settings of its own. */
export type TokenAuth = AuthMethod<Readonly<Record<string, never>>>
type WireSettings = z.output<typeof tokenAuthSettings>

export async function attach(
  deps: TokenAuthDeps,
  session: Session,
  identityId: string,
  wanted: WireSettings,
): Promise<TokenAuth> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-credentials")
    await getCoveredIdentity(write, identityId)
    if ((await findAuthMethod(write.db, identityId, "token-auth")) !== undefined) {
      throw new AppError("invalid", "BadRequest", "Token auth is already configured for this identity")
    }
    const method = await addTokenAuth(deps, write, identityId, wanted)
    write.audit("add-identity-token-auth", { identityId })
    return method
  })
}

/** Inserts the method; the caller has authorised it. */
export async function addTokenAuth(
  deps: TokenAuthDeps,
  write: Pick<OrganizationWrite, "db" | "now">,
  identityId: string,
  wanted: WireSettings,
): Promise<TokenAuth> {
  const method: TokenAuth = {
    ...withSettings(undefined, wanted),
    id: deps.random.uuid(),
    identityId,
    clientId: null,
    settings: {},
    createdAt: write.now,
    updatedAt: write.now,
  }
  requireConsistentLimits(method)
  await insertAuthMethod(write.db, "token-auth", method)
  return method
}

export async function change(
  deps: TokenAuthDeps,
  session: Session,
  identityId: string,
  wanted: WireSettings,
): Promise<TokenAuth> {
  return await writeInOrganization(deps, session, async (write) => {
    const old = await manageableMethod(write, identityId)
    const method = { ...old, ...withSettings(old, wanted), updatedAt: write.now }
    requireConsistentLimits(method)
    await updateAuthMethod(write.db, method)
    await endEpoch(deps, write, [identityId])
    write.audit("update-identity-token-auth", { identityId })
    return method
  })
}

export async function get(deps: TokenAuthDeps, session: Session, identityId: string): Promise<TokenAuth> {
  return await answerRead(deps, session, async (scope) => {
    const method = await readableMethod(scope, identityId)
    scope.audit("get-identity-token-auth", null, { identityId })
    return method
  })
}

/** Takes token auth away, with every token that was made through it. */
export async function detach(deps: TokenAuthDeps, session: Session, identityId: string): Promise<TokenAuth> {
  return await writeInOrganization(deps, session, async (write) => {
    const method = await manageableMethod(write, identityId)
    await revokeTokens(write.db, { authMethodId: method.id }, write.now)
    await removeAuthMethod(write.db, method.id)
    await endEpoch(deps, write, [identityId])
    write.audit("revoke-identity-token-auth", { identityId })
    return method
  })
}

/** Makes a token. It is in this answer and nowhere else. */
export async function createToken(
  deps: TokenAuthDeps,
  session: Session,
  input: { readonly identityId: string; readonly name: string | undefined },
): Promise<{ readonly answer: AccessTokenAnswer; readonly family: TokenFamily }> {
  const made = await writeInOrganization(deps, session, async (write) => {
    const method = await manageableMethod(write, input.identityId)
    const identity = await requireIdentity(write.db, write.actor.orgId, input.identityId)
    const draft = await draftTokenOf(deps, write, { method, identity, name: input.name })
    write.audit("create-token-identity-token-auth", {
      identityId: input.identityId,
      identityAccessTokenId: draft.id,
    })
    return { draft, family: await getToken(write.db, draft.id) }
  })
  return { answer: await signDraft(deps, made.draft), family: made.family }
}

/** The row of a token of this method; the caller has authorised it and signs the draft after the commit. */
export async function draftTokenOf(
  deps: TokenAuthDeps,
  write: Pick<OrganizationWrite, "db" | "now">,
  of: { readonly method: TokenAuth; readonly identity: Identity; readonly name: string | undefined },
) {
  const { method, identity } = of
  const order = {
    orgId: identity.orgId,
    identityId: identity.id,
    identityName: identity.name,
    authMethodId: method.id,
    method: "token-auth",
    clientSecretId: null,
    ttlSeconds: method.accessTokenTTL,
    maxTtlSeconds: method.accessTokenMaxTTL,
    periodSeconds: method.accessTokenPeriod,
    usesLimit: method.accessTokenNumUsesLimit,
    ...(of.name === undefined ? {} : { name: of.name }),
  }
  return await draftToken(deps, write.db, order, write.now)
}

export async function listTokens(
  deps: TokenAuthDeps,
  session: Session,
  input: { readonly identityId: string; readonly offset: number; readonly limit: number },
): Promise<readonly TokenFamily[]> {
  return await answerRead(deps, session, async (scope) => {
    const method = await readableMethod(scope, input.identityId)
    const tokens = await listTokensOfMethod(scope.reader, method.id, input)
    scope.audit("get-tokens-identity-token-auth", null, {
      identityId: input.identityId,
      numberOfTokens: tokens.length,
    })
    return tokens
  })
}

export async function nameToken(
  deps: TokenAuthDeps,
  session: Session,
  input: { readonly tokenId: string; readonly name: string },
): Promise<TokenFamily> {
  return await writeInOrganization(deps, session, async (write) => {
    const family = await manageableToken(write, input.tokenId)
    await renameToken(write.db, family.id, { name: input.name, now: write.now })
    write.audit("update-token-identity-token-auth", {
      identityId: family.identityId,
      identityAccessTokenId: family.id,
    })
    return { ...family, name: input.name, updatedAt: write.now }
  })
}

export async function revokeTokenById(deps: TokenAuthDeps, session: Session, tokenId: string): Promise<void> {
  await writeInOrganization(deps, session, async (write) => {
    const family = await manageableToken(write, tokenId)
    await revokeTokens(write.db, { id: family.id }, write.now)
    await endEpoch(deps, write, [family.identityId])
    write.audit("revoke-identity-access-token", {
      identityId: family.identityId,
      identityAccessTokenId: family.id,
    })
  })
}

async function manageableMethod(write: OrganizationWrite, identityId: string): Promise<TokenAuth> {
  authorizeInOrganization(write.actor, "manage-credentials")
  await getCoveredIdentity(write, identityId)
  return await getMethod(write.db, identityId)
}

async function manageableToken(write: OrganizationWrite, tokenId: string): Promise<TokenFamily> {
  authorizeInOrganization(write.actor, "manage-credentials")
  const family = await findToken(write.db, tokenId)
  if (family === undefined || family.method !== "token-auth" || family.orgId !== write.actor.orgId) {
    throw tokenNotFound(tokenId)
  }
  await getCoveredIdentity(write, family.identityId)
  return family
}

async function readableMethod(scope: ReadScope, identityId: string): Promise<TokenAuth> {
  const { actor } = scope.session
  authorizeInOrganization(actor, "read-identities")
  await requireIdentity(scope.reader, actor.orgId, identityId)
  return await getMethod(scope.reader, identityId)
}

async function getMethod(db: ReadScope["reader"], identityId: string): Promise<TokenAuth> {
  const method = await findAuthMethod<Readonly<Record<string, never>>>(db, identityId, "token-auth")
  if (method !== undefined) return method
  throw new AppError("not-found", "NotFound", "Token auth is not configured for this identity")
}

async function getToken(db: ReadScope["reader"], id: string): Promise<TokenFamily> {
  const family = await findToken(db, id)
  if (family === undefined) throw tokenNotFound(id)
  return family
}

function withSettings(old: TokenAuth | undefined, wanted: WireSettings) {
  const base = old ?? accessTokenDefaults
  return {
    accessTokenTTL: wanted.accessTokenTTL ?? base.accessTokenTTL,
    accessTokenMaxTTL: wanted.accessTokenMaxTTL ?? base.accessTokenMaxTTL,
    accessTokenNumUsesLimit: wanted.accessTokenNumUsesLimit ?? base.accessTokenNumUsesLimit,
    accessTokenPeriod: wanted.accessTokenPeriod ?? base.accessTokenPeriod,
    accessTokenTrustedIps:
      wanted.accessTokenTrustedIps === undefined && old !== undefined
        ? old.accessTokenTrustedIps
        : trustedRanges(wanted.accessTokenTrustedIps),
  }
}

function tokenNotFound(id: string): AppError {
  return new AppError("not-found", "NotFound", `Token with ID '${id}' not found`)
}
