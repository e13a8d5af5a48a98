import type { AccessTokenAnswer, tokenAuthSettings } from "@coffer/contract"
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
  addMethod,
  type MethodKind,
  methodForRead,
  methodForWrite,
  noteAuthor,
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

export const tokenAuth: MethodKind<WireSettings, TokenAuth["settings"]> = {
  kind: "token-auth",
  title: "Token auth",
  // Whoever gives it can make tokens that act as the identity.
  permission: "manage-credentials",
  settingsOf: () => ({}),
}

/** Inserts the method; the caller has authorised it. */
export async function addTokenAuth(
  deps: TokenAuthDeps,
  write: Pick<OrganizationWrite, "db" | "now">,
  identity: Pick<Identity, "id" | "orgId">,
  wanted: WireSettings,
): Promise<TokenAuth> {
  const { id: identityId, orgId } = identity
  return await addMethod(deps, write, tokenAuth, { orgId, identityId, wanted, isAdministrator: true })
}

/** Makes a token. It is in this answer and nowhere else. */
export async function createToken(
  deps: TokenAuthDeps,
  session: Session,
  input: { readonly identityId: string; readonly name: string | undefined },
): Promise<{ readonly answer: AccessTokenAnswer; readonly family: TokenFamily }> {
  const made = await writeInOrganization(deps, session, async (write) => {
    const method = await methodForWrite(write, tokenAuth, {
      identityId: input.identityId,
      permission: tokenAuth.permission,
    })
    const identity = await requireIdentity(write.db, write.actor.orgId, input.identityId)
    const draft = await draftTokenOf(deps, write, { method, identity, name: input.name })
    await noteAuthor(write, method)
    write.audit("create-token-identity-token-auth", {
      identityId: input.identityId,
      identityAccessTokenId: draft.id,
    })
    return { draft, family: await getToken(write.db, draft.id) }
  })
  return { answer: signDraft(deps, made.draft), family: made.family }
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
    const method = await methodForRead(scope, tokenAuth, input.identityId)
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
  await writeInOrganization(
    deps,
    session,
    async (write) => {
      const family = await manageableToken(write, tokenId)
      await revokeTokens(write.db, { id: family.id }, write.now)
      await endEpoch(deps, write, [family.identityId])
      write.audit("revoke-identity-access-token", {
        identityId: family.identityId,
        identityAccessTokenId: family.id,
      })
    },
    { endsOwnEpoch: true },
  )
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

async function getToken(db: ReadScope["reader"], id: string): Promise<TokenFamily> {
  const family = await findToken(db, id)
  if (family === undefined) throw tokenNotFound(id)
  return family
}

function tokenNotFound(id: string): AppError {
  return new AppError("not-found", "NotFound", `Token with ID '${id}' not found`)
}
