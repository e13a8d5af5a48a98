import type { BootstrapAnswer } from "@coffer/contract"
import type { AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import { AppError } from "../../errors.ts"
import { newToken } from "../../random.ts"
import { slugOfName } from "../../slugs.ts"
import { addIdentity } from "../identities/index.ts"
import type { Passwords } from "../passwords/index.ts"
import { addTokenAuth, draftTokenOf, type TokenAuthDeps } from "../token-auth/index.ts"
import { signDraft } from "../tokens/index.ts"
import { insertMembership, insertUser } from "../users/index.ts"
import {
  claimBootstrap,
  insertOrganization,
  insertSetupToken,
  isBootstrapped,
  isSetupToken,
  removeSetupTokens,
} from "./store.ts"

export type AdminDeps = TokenAuthDeps & {
  readonly passwords: Passwords
  /** `COFFER_OPEN_BOOTSTRAP`: whoever reaches the port first may set the server up. */
  readonly isBootstrapOpen: boolean
}

/** Who asks for the first run. */
export type Claimant = {
  readonly source: AuditSource
  /** From this machine, and not through a proxy or a browser page. */
  readonly isLocal: boolean
  readonly setupToken: string | undefined
}

const adminIdentityName = "Instance Admin Identity"
const adminTokenName = "Instance Admin Token"
const setupTokenLifetimeMs = 30 * 24 * 60 * 60 * 1_000

export async function isInitialized(deps: AdminDeps): Promise<boolean> {
  return await isBootstrapped(deps.database.reader)
}

/**
 * A token that opens the first run from elsewhere than this machine; `undefined` when the server is set up. Only its
 * hash is kept. Each start makes one, and those of the last thirty days stay good, because replicas print one each.
 */
export async function createSetupToken(deps: AdminDeps): Promise<string | undefined> {
  if (await isInitialized(deps)) return undefined
  const token = newToken(deps.random, 24)
  const now = deps.clock.now()
  await deps.database.write(({ db }) =>
    insertSetupToken(db, hashOf(deps, token), { now, forgetBefore: now - setupTokenLifetimeMs }),
  )
  return token
}

/**
 * The first run: user, organization, admin identity and its token, in one transaction (contract 8.3).
 *
 * @throws AppError "invalid" when the server is set up already, "forbidden" when the claimant is neither on this
 * machine nor has the setup token
 */
export async function bootstrap(
  deps: AdminDeps,
  claimant: Claimant,
  input: { readonly email: string; readonly password: string; readonly organization: string },
): Promise<BootstrapAnswer> {
  if (await isInitialized(deps)) throw alreadySetUp()
  await requireClaim(deps, claimant)
  const passwordHash = await deps.passwords.hash(input.password)
  const now = deps.clock.now()
  const made = await deps.database.write(async (scope) => {
    if (!(await claimBootstrap(scope.db, now))) throw alreadySetUp()
    await removeSetupTokens(scope.db)
    const organization = {
      id: deps.random.uuid(),
      name: input.organization,
      slug: slugOfName(input.organization, deps.random.bytes(4), "organization"),
    }
    await insertOrganization(scope.db, organization, now)
    const user = { id: deps.random.uuid(), email: input.email, firstName: "Admin", lastName: "User" }
    await insertUser(scope.db, { ...user, passwordHash, isSuperAdmin: true }, now)
    const membership = { id: deps.random.uuid(), orgId: organization.id, userId: user.id, role: "admin" }
    await insertMembership(scope.db, membership, now)
    const write = { db: scope.db, now }
    const identity = await addIdentity(deps, write, {
      orgId: organization.id,
      name: adminIdentityName,
      role: "admin",
      hasDeleteProtection: false,
      metadata: [],
    })
    const limits = { accessTokenTTL: 0, accessTokenMaxTTL: 0 }
    const method = await addTokenAuth(deps, write, identity, limits)
    const draft = await draftTokenOf(deps, write, { method, identity, name: adminTokenName })
    scope.audit(bootstrapEvent(deps, claimant.source, { organization, user, identity }))
    return { organization, user, identity, draft }
  })
  const { accessToken } = signDraft(deps, made.draft)
  return {
    message: "Successfully bootstrapped instance",
    user: { ...made.user, username: made.user.email, superAdmin: true },
    organization: made.organization,
    identity: { id: made.identity.id, name: made.identity.name, credentials: { token: accessToken } },
  }
}

async function requireClaim(deps: AdminDeps, claimant: Claimant): Promise<void> {
  if (deps.isBootstrapOpen || claimant.isLocal) return
  const { setupToken } = claimant
  if (setupToken !== undefined && (await isSetupToken(deps.database.reader, hashOf(deps, setupToken)))) return
  throw new AppError(
    "forbidden",
    "ForbiddenError",
    "The first run is accepted from the server's own machine, or with the setup token that the server printed when it started",
  )
}

/** The hash is looked up by equality: it is as unguessable as the token, so timing tells nothing. */
function hashOf(deps: AdminDeps, token: string): string {
  return Buffer.from(deps.keyring.credentialHash("setup-token", token)).toString("hex")
}

function bootstrapEvent(
  deps: AdminDeps,
  source: AuditSource,
  made: {
    readonly organization: { readonly id: string }
    readonly user: { readonly id: string; readonly email: string }
    readonly identity: { readonly id: string }
  },
): AuditEvent {
  return {
    id: deps.random.uuid(),
    at: deps.clock.now(),
    type: "bootstrap-instance",
    orgId: made.organization.id,
    projectId: null,
    actor: { type: "user", id: made.user.id, name: made.user.email },
    source,
    metadata: {
      userId: made.user.id,
      organizationId: made.organization.id,
      identityId: made.identity.id,
    },
  }
}

function alreadySetUp(): AppError {
  return new AppError("invalid", "BadRequest", "Instance has already been set up")
}
