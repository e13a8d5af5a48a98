import { accessTokenDefaults, type accessTokenSettings } from "@coffer/contract"
import type { z } from "zod"
import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/index.ts"
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
import { type ExternalKind, type ExternalMethod, sealedFieldOf } from "./external-method.ts"
import type { ExternalLoginDeps } from "./login.ts"

type TokenLimits = z.output<typeof accessTokenSettings>

/** Which fields of the settings the audit log may show; what is sealed is not among them. */
const shownFields = [
  ...["kubernetesHost", "allowedNamespaces", "allowedNames", "allowedAudience"],
  ...["configurationType", "jwksUrl", "oidcDiscoveryUrl"],
  ...["boundIssuer", "boundAudiences", "boundClaims", "boundSubject"],
]

/** Gives an identity the method. @throws AppError "invalid" when it has it already, or a setting is missing */
export async function attach<Wanted extends TokenLimits, Settings extends object>(
  deps: ExternalLoginDeps,
  session: Session,
  method: ExternalMethod<Wanted, Settings>,
  input: { readonly identityId: string; readonly wanted: Wanted },
): Promise<AuthMethod<Settings>> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "edit-identities")
    const { identityId, wanted } = input
    await getCoveredIdentity(write, identityId)
    if ((await findAuthMethod(write.db, identityId, method.kind)) !== undefined) {
      const message = `${method.title} is already configured for this identity`
      throw new AppError("invalid", "BadRequest", message)
    }
    const made: AuthMethod<Settings> = {
      ...limitsOf(wanted, undefined),
      id: deps.random.uuid(),
      identityId,
      clientId: null,
      settings: method.settingsOf(wanted, undefined, sealer(deps.keyring, write, identityId, method.kind)),
      createdAt: write.now,
      updatedAt: write.now,
    }
    requireConsistentLimits(made)
    await insertAuthMethod(write.db, method.kind, made)
    write.audit(`add-identity-${method.kind}`, aboutMethod(made))
    return made
  })
}

/** Changes settings. Tokens that exist stay, and are judged by the new list of trusted addresses. */
export async function change<Wanted extends TokenLimits, Settings extends object>(
  deps: ExternalLoginDeps,
  session: Session,
  method: ExternalMethod<Wanted, Settings>,
  input: { readonly identityId: string; readonly wanted: Wanted },
): Promise<AuthMethod<Settings>> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "edit-identities")
    const { identityId, wanted } = input
    await getCoveredIdentity(write, identityId)
    const old = await getMethod(write.db, identityId, method)
    const seal = sealer(deps.keyring, write, identityId, method.kind)
    const settings = method.settingsOf(wanted, old.settings, seal)
    const changed = { ...old, ...limitsOf(wanted, old), settings, updatedAt: write.now }
    requireConsistentLimits(changed)
    await updateAuthMethod(write.db, changed)
    await endEpoch(deps, write, [identityId])
    write.audit(`update-identity-${method.kind}`, aboutMethod(changed))
    return changed
  })
}

export async function get<Wanted, Settings extends object>(
  deps: ExternalLoginDeps,
  session: Session,
  method: ExternalMethod<Wanted, Settings>,
  identityId: string,
): Promise<AuthMethod<Settings>> {
  return await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "read-identities")
    await requireIdentity(scope.reader, actor.orgId, identityId)
    const found = await getMethod(scope.reader, identityId, method)
    scope.audit(`get-identity-${method.kind}`, null, { identityId })
    return found
  })
}

/** Takes the method away, with every token that came through it. */
export async function detach<Wanted, Settings extends object>(
  deps: ExternalLoginDeps,
  session: Session,
  method: ExternalMethod<Wanted, Settings>,
  identityId: string,
): Promise<AuthMethod<Settings>> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-credentials")
    await getCoveredIdentity(write, identityId)
    const found = await getMethod(write.db, identityId, method)
    await revokeTokens(write.db, { authMethodId: found.id }, write.now)
    await removeAuthMethod(write.db, found.id)
    await endEpoch(deps, write, [identityId])
    write.audit(`revoke-identity-${method.kind}`, { identityId })
    return found
  })
}

async function getMethod<Wanted, Settings extends object>(
  db: ReadScope["reader"],
  identityId: string,
  method: ExternalMethod<Wanted, Settings>,
): Promise<AuthMethod<Settings>> {
  const found = await findAuthMethod<Settings>(db, identityId, method.kind)
  if (found !== undefined) return found
  throw new AppError("not-found", "NotFound", `${method.title} is not configured for this identity`)
}

function sealer(keyring: Keyring, write: OrganizationWrite, identityId: string, kind: ExternalKind) {
  const addressOf = sealedFieldOf({ orgId: write.actor.orgId, identityId }, kind)
  return (field: string, text: string) =>
    Buffer.from(keyring.records.seal(addressOf(field), text)).toString("base64")
}

function limitsOf(wanted: TokenLimits, old: AuthMethod<object> | undefined) {
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

function aboutMethod(method: AuthMethod<object>) {
  const settings = Object.entries(method.settings).filter(([field]) => shownFields.includes(field))
  return {
    identityId: method.identityId,
    accessTokenTTL: method.accessTokenTTL,
    accessTokenMaxTTL: method.accessTokenMaxTTL,
    accessTokenNumUsesLimit: method.accessTokenNumUsesLimit,
    accessTokenPeriod: method.accessTokenPeriod,
    accessTokenTrustedIps: method.accessTokenTrustedIps.map((range) => `${range.ipAddress}/${range.prefix}`),
    ...Object.fromEntries(settings),
  }
}
