import { universalAuthDefaults, type UniversalAuthSettings as WireSettings } from "@coffer/contract"
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
import { getCoveredIdentity, requireIdentity } from "../identities/index.ts"
import { revokeTokens } from "../tokens/index.ts"
import type { ClientSecret, UniversalAuthSettings } from "./domain.ts"
import type { LoginDeps } from "./login.ts"
import {
  clearFailures,
  findClientSecret,
  insertClientSecret,
  listClientSecrets as listStored,
  revokeClientSecret as revokeStored,
} from "./store.ts"

export type UniversalAuthDeps = LoginDeps
export type UniversalAuth = AuthMethod<UniversalAuthSettings>

/** Gives an identity universal auth. @throws AppError "invalid" when it has it already */
export async function attach(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
  wanted: WireSettings,
): Promise<UniversalAuth> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "edit-identities")
    await getCoveredIdentity(write, identityId)
    if ((await findAuthMethod(write.db, identityId, "universal-auth")) !== undefined) {
      throw new AppError("invalid", "BadRequest", "Universal auth is already configured for this identity")
    }
    const method: UniversalAuth = {
      ...withSettings(undefined, wanted),
      id: deps.random.uuid(),
      identityId,
      clientId: deps.random.uuid(),
      createdAt: write.now,
      updatedAt: write.now,
    }
    requireConsistentLimits(method)
    await insertAuthMethod(write.db, "universal-auth", method)
    write.audit("add-identity-universal-auth", aboutMethod(method))
    return method
  })
}

/** Changes settings; tokens that exist are judged by the new list of trusted addresses from now on. */
export async function change(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
  wanted: WireSettings,
): Promise<UniversalAuth> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "edit-identities")
    await getCoveredIdentity(write, identityId)
    const old = await getMethod(write.db, identityId)
    const method: UniversalAuth = { ...old, ...withSettings(old, wanted), updatedAt: write.now }
    requireConsistentLimits(method)
    await updateAuthMethod(write.db, method)
    await endEpoch(deps, write, [identityId])
    write.audit("update-identity-universal-auth", aboutMethod(method))
    return method
  })
}

export async function get(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
): Promise<UniversalAuth> {
  return await answerRead(deps, session, async (scope) => {
    const method = await readableMethod(scope, identityId)
    scope.audit("get-identity-universal-auth", null, { identityId })
    return method
  })
}

/** Takes universal auth away, with all client secrets and every token that came through it. */
export async function detach(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
): Promise<UniversalAuth> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-credentials")
    await getCoveredIdentity(write, identityId)
    const method = await getMethod(write.db, identityId)
    await revokeTokens(write.db, { authMethodId: method.id }, write.now)
    await clearFailures(write.db, method.clientId ?? "")
    await removeAuthMethod(write.db, method.id)
    await endEpoch(deps, write, [identityId])
    write.audit("revoke-identity-universal-auth", { identityId })
    return method
  })
}

/** Makes a client secret of 256 random bits. The clear text is in this answer and nowhere else. */
export async function createClientSecret(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
  wanted: { readonly description: string; readonly numUsesLimit: number; readonly ttl: number },
): Promise<{ readonly clear: string; readonly secret: ClientSecret }> {
  const clear = Buffer.from(deps.random.bytes(32)).toString("hex")
  return await writeInOrganization(deps, session, async (write) => {
    const method = await manageableMethod(write, identityId)
    const secret: ClientSecret = {
      id: deps.random.uuid(),
      authMethodId: method.id,
      identityId,
      prefix: clear.slice(0, 4),
      description: wanted.description,
      ttlSeconds: wanted.ttl,
      uses: 0,
      usesLimit: wanted.numUsesLimit,
      isRevoked: false,
      createdAt: write.now,
      updatedAt: write.now,
    }
    const hashBytes = deps.keyring.credentialHash("client-secret", clear)
    await insertClientSecret(write.db, { ...secret, hashBytes })
    write.audit("create-identity-universal-auth-client-secret", { identityId, clientSecretId: secret.id })
    return { clear, secret }
  })
}

export async function listClientSecrets(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
): Promise<readonly ClientSecret[]> {
  return await answerRead(deps, session, async (scope) => {
    const method = await readableMethod(scope, identityId)
    const secrets = await listStored(scope.reader, method.id)
    scope.audit("get-identity-universal-auth-client-secrets", null, {
      identityId,
      numberOfClientSecrets: secrets.length,
    })
    return secrets
  })
}

export async function getClientSecret(
  deps: UniversalAuthDeps,
  session: Session,
  input: { readonly identityId: string; readonly clientSecretId: string },
): Promise<ClientSecret> {
  return await answerRead(deps, session, async (scope) => {
    const method = await readableMethod(scope, input.identityId)
    const secret = await findClientSecret(scope.reader, method.id, input.clientSecretId)
    if (secret === undefined) throw clientSecretNotFound(input.clientSecretId)
    scope.audit("get-identity-universal-auth-client-secrets", null, {
      identityId: input.identityId,
      numberOfClientSecrets: 1,
    })
    return secret
  })
}

/** Revokes a client secret and every token that came through it; once more is no error. */
export async function revokeClientSecret(
  deps: UniversalAuthDeps,
  session: Session,
  input: { readonly identityId: string; readonly clientSecretId: string },
): Promise<ClientSecret> {
  return await writeInOrganization(deps, session, async (write) => {
    const { identityId, clientSecretId } = input
    const method = await manageableMethod(write, identityId)
    const secret = await findClientSecret(write.db, method.id, clientSecretId)
    if (secret === undefined) throw clientSecretNotFound(clientSecretId)
    await revokeStored(write.db, secret.id, write.now)
    await revokeTokens(write.db, { clientSecretId: secret.id }, write.now)
    await endEpoch(deps, write, [identityId])
    write.audit("revoke-identity-universal-auth-client-secret", { identityId, clientSecretId })
    return { ...secret, isRevoked: true, updatedAt: write.now }
  })
}

/** Forgets failed logins, from wherever they came. */
export async function clearLockouts(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
): Promise<number> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "edit-identities")
    await getCoveredIdentity(write, identityId)
    const method = await getMethod(write.db, identityId)
    const deleted = await clearFailures(write.db, method.clientId ?? "")
    write.audit("clear-identity-universal-auth-lockouts", { identityId, deleted })
    return deleted
  })
}

async function manageableMethod(write: OrganizationWrite, identityId: string): Promise<UniversalAuth> {
  authorizeInOrganization(write.actor, "manage-credentials")
  await getCoveredIdentity(write, identityId)
  return await getMethod(write.db, identityId)
}

async function readableMethod(scope: ReadScope, identityId: string): Promise<UniversalAuth> {
  const { actor } = scope.session
  authorizeInOrganization(actor, "read-identities")
  await requireIdentity(scope.reader, actor.orgId, identityId)
  return await getMethod(scope.reader, identityId)
}

async function getMethod(
  db: OrganizationWrite["db"] | ReadScope["reader"],
  identityId: string,
): Promise<UniversalAuth> {
  const method = await findAuthMethod<UniversalAuthSettings>(db, identityId, "universal-auth")
  if (method !== undefined) return method
  throw new AppError("not-found", "NotFound", "Universal auth is not configured for this identity")
}

function withSettings(old: UniversalAuth | undefined, wanted: WireSettings) {
  const base = old === undefined ? universalAuthDefaults : { ...old, ...old.settings }
  const ranges = (
    given: WireSettings["accessTokenTrustedIps"],
    kept: UniversalAuth["accessTokenTrustedIps"] | undefined,
  ) => (given === undefined && kept !== undefined ? kept : trustedRanges(given))
  return {
    accessTokenTTL: wanted.accessTokenTTL ?? base.accessTokenTTL,
    accessTokenMaxTTL: wanted.accessTokenMaxTTL ?? base.accessTokenMaxTTL,
    accessTokenNumUsesLimit: wanted.accessTokenNumUsesLimit ?? base.accessTokenNumUsesLimit,
    accessTokenPeriod: wanted.accessTokenPeriod ?? base.accessTokenPeriod,
    accessTokenTrustedIps: ranges(wanted.accessTokenTrustedIps, old?.accessTokenTrustedIps),
    settings: {
      clientSecretTrustedIps: ranges(wanted.clientSecretTrustedIps, old?.settings.clientSecretTrustedIps),
      lockoutEnabled: wanted.lockoutEnabled ?? base.lockoutEnabled,
      lockoutThreshold: wanted.lockoutThreshold ?? base.lockoutThreshold,
      lockoutDurationSeconds: wanted.lockoutDurationSeconds ?? base.lockoutDurationSeconds,
      lockoutCounterResetSeconds: wanted.lockoutCounterResetSeconds ?? base.lockoutCounterResetSeconds,
    },
  }
}

function aboutMethod(method: UniversalAuth) {
  const { settings } = method
  const cidr = (ranges: UniversalAuth["accessTokenTrustedIps"]) =>
    ranges.map((range) => `${range.ipAddress}/${range.prefix}`)
  return {
    identityId: method.identityId,
    clientId: method.clientId,
    accessTokenTTL: method.accessTokenTTL,
    accessTokenMaxTTL: method.accessTokenMaxTTL,
    accessTokenNumUsesLimit: method.accessTokenNumUsesLimit,
    accessTokenPeriod: method.accessTokenPeriod,
    accessTokenTrustedIps: cidr(method.accessTokenTrustedIps),
    clientSecretTrustedIps: cidr(settings.clientSecretTrustedIps),
    lockoutEnabled: settings.lockoutEnabled,
    lockoutThreshold: settings.lockoutThreshold,
    lockoutDurationSeconds: settings.lockoutDurationSeconds,
    lockoutCounterResetSeconds: settings.lockoutCounterResetSeconds,
  }
}

function clientSecretNotFound(id: string): AppError {
  return new AppError("not-found", "NotFound", `Client secret with ID '${id}' not found`)
}
