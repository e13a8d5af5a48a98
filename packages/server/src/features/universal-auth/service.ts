import { universalAuthDefaults, type UniversalAuthSettings as WireSettings } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { newToken } from "../../random.ts"
import { answerRead, endEpoch, type OrganizationWrite, writeInOrganization } from "../../use-case/index.ts"
import {
  type AuthMethod,
  cidrOf,
  type MethodKind,
  methodForRead,
  methodForWrite,
  noteAuthor,
  rangesOf,
} from "../auth-methods/index.ts"
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

export const universalAuth: MethodKind<WireSettings, UniversalAuthSettings> = {
  kind: "universal-auth",
  title: "Universal auth",
  permission: "edit-identities",
  createClientId: (random) => random.uuid(),
  settingsOf: (wanted, old) => {
    const base = old ?? universalAuthDefaults
    return {
      clientSecretTrustedIps: rangesOf(wanted.clientSecretTrustedIps, old?.clientSecretTrustedIps),
      lockoutEnabled: wanted.lockoutEnabled ?? base.lockoutEnabled,
      lockoutThreshold: wanted.lockoutThreshold ?? base.lockoutThreshold,
      lockoutDurationSeconds: wanted.lockoutDurationSeconds ?? base.lockoutDurationSeconds,
      lockoutCounterResetSeconds: wanted.lockoutCounterResetSeconds ?? base.lockoutCounterResetSeconds,
    }
  },
  shownOf: ({ clientId, settings: { clientSecretTrustedIps, ...lockout } }) => ({
    clientId,
    clientSecretTrustedIps: cidrOf(clientSecretTrustedIps),
    lockoutEnabled: lockout.lockoutEnabled,
    lockoutThreshold: lockout.lockoutThreshold,
    lockoutDurationSeconds: lockout.lockoutDurationSeconds,
    lockoutCounterResetSeconds: lockout.lockoutCounterResetSeconds,
  }),
  clean: async (write, method) => {
    await clearFailures(write.db, method.clientId ?? "")
  },
}

/** Makes a client secret of 256 random bits. The clear text is in this answer and nowhere else. */
export async function createClientSecret(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
  wanted: { readonly description: string; readonly numUsesLimit: number; readonly ttl: number },
): Promise<{ readonly clear: string; readonly secret: ClientSecret }> {
  const clear = newToken(deps.random, 32)
  return await writeInOrganization(deps, session, async (write) => {
    const method = await methodForSecrets(write, identityId)
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
    await noteAuthor(write, method)
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
    const method = await methodForRead(scope, universalAuth, identityId)
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
    const method = await methodForRead(scope, universalAuth, input.identityId)
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
  return await writeInOrganization(
    deps,
    session,
    async (write) => {
      const { identityId, clientSecretId } = input
      const method = await methodForSecrets(write, identityId)
      const secret = await findClientSecret(write.db, method.id, clientSecretId)
      if (secret === undefined) throw clientSecretNotFound(clientSecretId)
      await revokeStored(write.db, secret.id, write.now)
      await revokeTokens(write.db, { clientSecretId: secret.id }, write.now)
      await endEpoch(deps, write, [identityId])
      write.audit("revoke-identity-universal-auth-client-secret", { identityId, clientSecretId })
      return { ...secret, isRevoked: true, updatedAt: write.now }
    },
    { endsOwnEpoch: input.identityId === session.actor.id },
  )
}

/** Forgets failed logins, from wherever they came. */
export async function clearLockouts(
  deps: UniversalAuthDeps,
  session: Session,
  identityId: string,
): Promise<number> {
  return await writeInOrganization(deps, session, async (write) => {
    const permission = "edit-identities"
    const method = await methodForWrite(write, universalAuth, { identityId, permission })
    const deleted = await clearFailures(write.db, method.clientId ?? "")
    write.audit("clear-identity-universal-auth-lockouts", { identityId, deleted })
    return deleted
  })
}

async function methodForSecrets(write: OrganizationWrite, identityId: string): Promise<UniversalAuth> {
  return await methodForWrite(write, universalAuth, { identityId, permission: "manage-credentials" })
}

function clientSecretNotFound(id: string): AppError {
  return new AppError("not-found", "NotFound", `Client secret with ID '${id}' not found`)
}
