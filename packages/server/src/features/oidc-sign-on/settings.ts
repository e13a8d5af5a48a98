import type { OidcSettings } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import { answerRead, type ReadDeps, writeInOrganization } from "../../use-case/index.ts"
import { authorizeInOrganization, requireCovers } from "../authorization/index.ts"
import { redirectUrlOf } from "./addresses.ts"
import type { SignOn } from "./domain.ts"
import type { Providers } from "./provider.ts"
import { findOrganization, findSignOn, type Organization, removeSignOn, saveSignOn } from "./store.ts"

export type SettingsDeps = ReadDeps & { readonly keyring: Keyring }

export type ShownSignOn = { readonly signOn: SignOn; readonly organization: Organization }

/**
 * Sets the OpenID provider of the organization, all settings at once.
 * @throws AppError "invalid" without a client secret when none was set before, or for another provider than that was for
 */
export async function setSignOn(
  deps: SettingsDeps,
  session: Session,
  wanted: OidcSettings,
): Promise<ShownSignOn> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-sign-on")
    if (wanted.defaultRole !== null) requireCovers(write.actor, wanted.defaultRole)
    const { orgId } = write.actor
    const old = await findSignOn(write.db, orgId)
    const { issuer, clientId, allowedEmailDomains, defaultRole, isActive } = wanted
    const signOn: SignOn = {
      orgId,
      issuer,
      clientId,
      clientSecretSealed: sealedSecret(deps, { orgId, wanted, old }),
      allowedEmailDomains,
      defaultRole,
      isActive,
      createdAt: old?.createdAt ?? write.now,
      updatedAt: write.now,
    }
    await saveSignOn(write.db, signOn)
    const domains = allowedEmailDomains.join(",")
    write.audit("update-oidc-sign-on", {
      issuer,
      clientId,
      allowedEmailDomains: domains,
      defaultRole,
      isActive,
    })
    return { signOn, organization: await organizationOf(write.db, orgId) }
  })
}

/** Takes the provider away, and forgets whom its subjects were. Open sessions stay. */
export async function deleteSignOn(deps: SettingsDeps, session: Session): Promise<ShownSignOn> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-sign-on")
    const { orgId } = write.actor
    const signOn = await findSignOn(write.db, orgId)
    if (signOn === undefined) throw notSet()
    await removeSignOn(write.db, orgId)
    write.audit("delete-oidc-sign-on", { issuer: signOn.issuer, clientId: signOn.clientId })
    return { signOn, organization: await organizationOf(write.db, orgId) }
  })
}

/** The settings without the client secret. @throws AppError "not-found" */
export async function viewSignOn(deps: SettingsDeps, session: Session): Promise<ShownSignOn> {
  return await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "manage-sign-on")
    const signOn = await findSignOn(scope.reader, actor.orgId)
    if (signOn === undefined) throw notSet()
    scope.audit("get-oidc-sign-on", null, { issuer: signOn.issuer })
    return { signOn, organization: await organizationOf(scope.reader, actor.orgId) }
  })
}

/**
 * Tries the settings, as far as that goes without a person.
 *
 * @returns what to mend; `undefined` when nothing is amiss
 * @throws AppError "not-found", or "invalid" while the server does not know its own address
 */
export async function testSignOn(
  deps: SettingsDeps & { readonly providers: Providers; readonly siteUrl: string | undefined },
  session: Session,
): Promise<string | undefined> {
  const signOn = await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "manage-sign-on")
    const found = await findSignOn(scope.reader, actor.orgId)
    if (found === undefined) throw notSet()
    scope.audit("test-oidc-sign-on", null, { issuer: found.issuer, clientId: found.clientId })
    return found
  })
  const settings = { ...signOn, clientSecret: openClientSecret(deps, signOn) }
  return await deps.providers.problemOf(settings, redirectUrlOf(deps))
}

/** @throws AppError "unavailable" when the sealed bytes are not those of this organization */
export function openClientSecret(deps: Pick<SettingsDeps, "keyring">, signOn: SignOn): string {
  return deps.keyring.records.open(addressOf(signOn.orgId), signOn.clientSecretSealed)
}

/** A secret that was given for one provider is not sent to another. */
function sealedSecret(
  deps: SettingsDeps,
  of: { readonly orgId: string; readonly wanted: OidcSettings; readonly old: SignOn | undefined },
): Uint8Array {
  const { wanted, old } = of
  if (wanted.clientSecret !== undefined) {
    return deps.keyring.records.seal(addressOf(of.orgId), wanted.clientSecret)
  }
  if (old !== undefined && old.issuer === wanted.issuer && old.clientId === wanted.clientId) {
    return old.clientSecretSealed
  }
  const message = "clientSecret is missing: it stays only while issuer and clientId stay too"
  throw new AppError("invalid", "BadRequest", message)
}

function addressOf(orgId: string) {
  return { orgId, recordId: orgId, field: "oidc-sign-on:client-secret" }
}

async function organizationOf(db: Parameters<typeof findOrganization>[0], id: string): Promise<Organization> {
  const organization = await findOrganization(db, { id })
  if (organization === undefined) throw notSet()
  return organization
}

function notSet(): AppError {
  return new AppError("not-found", "NotFound", "The organization has no OpenID provider")
}
