import { accessTokenDefaults, type accessTokenSettings } from "@coffer/contract"
import type { z } from "zod"
import type { Session } from "../../actor.ts"
import type { Reader } from "../../db/database.ts"
import { unlessTaken } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import type { Keyring, RecordFieldAddress } from "../../keyring/index.ts"
import {
  answerRead,
  endEpoch,
  type OrganizationWrite,
  type ReadDeps,
  type ReadScope,
  writeInOrganization,
} from "../../use-case/index.ts"
import { authorizeInOrganization, isAllowedInOrganization } from "../authorization/index.ts"
import { getCoveredIdentity, requireIdentity } from "../identities/index.ts"
import { requireMayActFor } from "../memberships/index.ts"
import { revokeTokens } from "../tokens/index.ts"
import { type AuthMethod, cidrOf, rangesOf, requireConsistentLimits } from "./domain.ts"
import type { MethodKind, MethodName } from "./method-kind.ts"
import {
  findAuthMethod,
  insertAuthMethod,
  insertAuthor,
  type Login,
  listLogins,
  removeAuthMethod,
  updateAuthMethod,
} from "./store.ts"

export type { Login } from "./store.ts"
export type AuthMethodDeps = ReadDeps & { readonly keyring: Keyring }
export type TokenLimits = z.output<typeof accessTokenSettings>

/** Gives an identity the method. @throws AppError "invalid" when it has it already, or a setting is missing */
export async function attach<Wanted extends TokenLimits, Settings extends object>(
  deps: AuthMethodDeps,
  session: Session,
  of: MethodKind<Wanted, Settings>,
  input: { readonly identityId: string; readonly wanted: Wanted },
): Promise<AuthMethod<Settings>> {
  const taken = () =>
    new AppError("invalid", "BadRequest", `${of.title} is already configured for this identity`)
  const attaching = writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, of.permission)
    await getCoveredIdentity(write, input.identityId)
    await requireMayActFor(write, input.identityId)
    if ((await findAuthMethod(write.db, input.identityId, of.kind)) !== undefined) throw taken()
    const { orgId, orgRole } = write.actor
    const isAdministrator = isAllowedInOrganization(orgRole, "manage-credentials")
    const method = await addMethod(deps, write, of, { ...input, orgId, isAdministrator })
    await noteAuthor(write, method)
    write.audit(`add-identity-${of.kind}`, aboutMethod(of, method))
    return method
  })
  return await unlessTaken(attaching, taken)
}

/** Inserts the method; the caller has authorised it, and knows that the identity has none of its kind. */
export async function addMethod<Wanted extends TokenLimits, Settings extends object>(
  deps: AuthMethodDeps,
  write: Pick<OrganizationWrite, "db" | "now">,
  of: MethodKind<Wanted, Settings>,
  input: {
    readonly orgId: string
    readonly identityId: string
    readonly wanted: Wanted
    readonly isAdministrator: boolean
  },
): Promise<AuthMethod<Settings>> {
  const { identityId, wanted, isAdministrator } = input
  const seal = sealer(deps.keyring, input, of.kind)
  const method: AuthMethod<Settings> = {
    ...limitsOf(wanted, undefined),
    id: deps.random.uuid(),
    identityId,
    clientId: of.createClientId?.(deps.random) ?? null,
    settings: of.settingsOf(wanted, undefined, { seal, isAdministrator }),
    createdAt: write.now,
    updatedAt: write.now,
  }
  requireConsistentLimits(method)
  await insertAuthMethod(write.db, of.kind, method)
  return method
}

/** Changes settings. Tokens that exist stay, and are judged by the new list of trusted addresses from now on. */
export async function change<Wanted extends TokenLimits, Settings extends object>(
  deps: AuthMethodDeps,
  session: Session,
  of: MethodKind<Wanted, Settings>,
  input: { readonly identityId: string; readonly wanted: Wanted },
): Promise<AuthMethod<Settings>> {
  return await writeInOrganization(
    deps,
    session,
    async (write) => {
      const { identityId, wanted } = input
      const old = await methodForWrite(write, of, { identityId, permission: of.permission })
      await requireMayActFor(write, identityId)
      const { orgId, orgRole } = write.actor
      const seal = sealer(deps.keyring, { orgId, identityId }, of.kind)
      const isAdministrator = isAllowedInOrganization(orgRole, "manage-credentials")
      const settings = of.settingsOf(wanted, old.settings, { seal, isAdministrator })
      const method = { ...old, ...limitsOf(wanted, old), settings, updatedAt: write.now }
      requireConsistentLimits(method)
      await updateAuthMethod(write.db, method)
      await noteAuthor(write, method)
      await endEpoch(deps, write, [identityId])
      write.audit(`update-identity-${of.kind}`, aboutMethod(of, method))
      return method
    },
    { endsOwnEpoch: input.identityId === session.actor.id },
  )
}

export async function get<Wanted, Settings extends object>(
  deps: AuthMethodDeps,
  session: Session,
  of: MethodKind<Wanted, Settings>,
  identityId: string,
): Promise<AuthMethod<Settings>> {
  return await answerRead(deps, session, async (scope) => {
    const method = await methodForRead(scope, of, identityId)
    scope.audit(`get-identity-${of.kind}`, null, aboutMethod(of, method))
    return method
  })
}

/** Takes the method away, with every token that came through it. */
export async function detach<Wanted, Settings extends object>(
  deps: AuthMethodDeps,
  session: Session,
  of: MethodKind<Wanted, Settings>,
  identityId: string,
): Promise<AuthMethod<Settings>> {
  return await writeInOrganization(
    deps,
    session,
    async (write) => {
      const method = await methodForWrite(write, of, { identityId, permission: "manage-credentials" })
      await revokeTokens(write.db, { authMethodId: method.id }, write.now)
      // In the order in which a login takes both: neither waits for the other in a circle.
      await removeAuthMethod(write.db, method.id)
      await of.clean?.(write, method)
      await endEpoch(deps, write, [identityId])
      write.audit(`revoke-identity-${of.kind}`, aboutMethod(of, method))
      return method
    },
    { endsOwnEpoch: identityId === session.actor.id },
  )
}

/**
 * Keeps that the actor may know how to log in by the method: it was its right when it acted, and stays known when the
 * identity may do more later.
 */
export async function noteAuthor(
  { db, actor, now }: Pick<OrganizationWrite, "db" | "actor" | "now">,
  method: Pick<AuthMethod<object>, "id">,
): Promise<void> {
  const { kind: type, id, name } = actor
  await insertAuthor(db, method.id, { type, id, name, actedAt: now })
}

/** How an identity logs in, and who may know how. */
export async function getLogins(
  deps: ReadDeps,
  session: Session,
  identityId: string,
): Promise<readonly Login[]> {
  return await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "read-identities")
    const { name } = await requireIdentity(scope.reader, actor.orgId, identityId)
    const logins = await listLogins(scope.reader, identityId)
    scope.audit("get-identity", null, { identityId, name })
    return logins
  })
}

/** The method of an identity that the actor may manage. @throws AppError "forbidden" or "not-found" */
export async function methodForWrite<Wanted, Settings extends object>(
  write: OrganizationWrite,
  of: MethodKind<Wanted, Settings>,
  wanted: { readonly identityId: string; readonly permission: MethodKind<Wanted, Settings>["permission"] },
): Promise<AuthMethod<Settings>> {
  authorizeInOrganization(write.actor, wanted.permission)
  await getCoveredIdentity(write, wanted.identityId)
  return await getMethod(write.db, of, wanted.identityId)
}

/** The method of an identity that the actor may see. @throws AppError "forbidden" or "not-found" */
export async function methodForRead<Wanted, Settings extends object>(
  scope: ReadScope,
  of: MethodKind<Wanted, Settings>,
  identityId: string,
): Promise<AuthMethod<Settings>> {
  const { actor } = scope.session
  authorizeInOrganization(actor, "read-identities")
  await requireIdentity(scope.reader, actor.orgId, identityId)
  return await getMethod(scope.reader, of, identityId)
}

async function getMethod<Wanted, Settings extends object>(
  db: Reader,
  of: MethodKind<Wanted, Settings>,
  identityId: string,
): Promise<AuthMethod<Settings>> {
  const method = await findAuthMethod<Settings>(db, identityId, of.kind)
  if (method !== undefined) return method
  throw new AppError("not-found", "NotFound", `${of.title} is not configured for this identity`)
}

/** Where a sealed field of a method lives. */
export function sealedFieldOf(
  of: { readonly orgId: string; readonly identityId: string },
  kind: MethodName,
): (field: string) => RecordFieldAddress {
  return (field) => ({ orgId: of.orgId, recordId: of.identityId, field: `${kind}:${field}` })
}

function sealer(
  keyring: Keyring,
  of: { readonly orgId: string; readonly identityId: string },
  kind: MethodName,
) {
  const addressOf = sealedFieldOf(of, kind)
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
    accessTokenTrustedIps: rangesOf(wanted.accessTokenTrustedIps, old?.accessTokenTrustedIps),
  }
}

function aboutMethod<Wanted, Settings extends object>(
  of: MethodKind<Wanted, Settings>,
  method: AuthMethod<Settings>,
) {
  return {
    identityId: method.identityId,
    accessTokenTTL: method.accessTokenTTL,
    accessTokenMaxTTL: method.accessTokenMaxTTL,
    accessTokenNumUsesLimit: method.accessTokenNumUsesLimit,
    accessTokenPeriod: method.accessTokenPeriod,
    accessTokenTrustedIps: cidrOf(method.accessTokenTrustedIps),
    ...of.shownOf?.(method),
  }
}
