import { timingSafeEqual } from "node:crypto"
import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import { isUniqueViolation } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import type { Log } from "../../log.ts"
import { type SessionTokens, signSession } from "../sessions/index.ts"
import { type AdmissionDeps, admit } from "./admission.ts"
import { type Claims, type Flow, flowLifetimeMs, type Refusal, Refused, type SignOn } from "./domain.ts"
import type { Providers } from "./provider.ts"
import { openClientSecret } from "./settings.ts"
import { findOrganization, findSignOn, lockSignOn, takeState } from "./store.ts"

export type FlowDeps = AdmissionDeps & {
  readonly providers: Providers
  readonly log: Log
  readonly siteUrl: string | undefined
}

export const callbackPath = "/api/coffer/v1/sso/oidc/callback"

export function loginPath(organizationSlug: string): string {
  return `/api/coffer/v1/sso/oidc/${encodeURIComponent(organizationSlug)}/login`
}

/**
 * Begins a login. @returns where the browser goes, and what it must bring back in its cookie
 * @throws AppError "not-found" when there is no such organization or it has no active provider; they look the same
 */
export async function beginLogin(
  deps: FlowDeps,
  organizationSlug: string,
): Promise<{ readonly redirectTo: string; readonly flow: string }> {
  const { reader } = deps.database
  const organization = await findOrganization(reader, { slug: organizationSlug })
  const signOn = organization === undefined ? undefined : await findSignOn(reader, organization.id)
  if (signOn?.isActive !== true) {
    throw new AppError("not-found", "NotFound", "There is no single sign-on under this address")
  }
  const redirectUrl = redirectUrlOf(deps)
  const unguessable = () => Buffer.from(deps.random.bytes(32)).toString("base64url")
  const flow: Flow = {
    orgId: signOn.orgId,
    state: unguessable(),
    nonce: unguessable(),
    verifier: unguessable(),
    expiresAt: deps.clock.now() + flowLifetimeMs,
  }
  try {
    const settings = { ...signOn, clientSecret: openClientSecret(deps, signOn) }
    const redirectTo = await deps.providers.loginUrl(settings, flow, redirectUrl)
    return { redirectTo, flow: sealFlow(deps, flow) }
  } catch (error) {
    deps.log.warn({ orgId: signOn.orgId, problem: problemOf(error) }, "an OpenID provider cannot be used")
    const message = "The identity provider of the organization cannot be used now; try again later"
    throw new AppError("unauthenticated", "UnauthorizedError", message, { cause: error })
  }
}

/**
 * Ends a login in the browser that began it.
 *
 * @param sealedFlow what its cookie holds
 * @param query of the callback, as it came
 * @throws AppError "unauthenticated"; its text repeats nothing of the query
 */
export async function endLogin(
  deps: FlowDeps,
  source: AuditSource,
  sealedFlow: string | undefined,
  query: URLSearchParams,
): Promise<{ readonly tokens: SessionTokens; readonly email: string }> {
  const flow = sealedFlow === undefined ? undefined : openFlow(deps, sealedFlow)
  const isOurs = flow !== undefined && isSame(flow.state, query.get("state") ?? "")
  if (!isOurs || flow.expiresAt <= deps.clock.now()) throw notBegunHere()
  const now = deps.clock.now()
  const { orgId, expiresAt } = flow
  const isNew = await deps.database.write(({ db }) => takeState(db, flow.state, { expiresAt, now }))
  if (!isNew) throw notBegunHere()
  if (query.has("error")) return await refuse(deps, source, flow, "refused-by-provider")
  const signOn = await findSignOn(deps.database.reader, orgId)
  if (signOn?.isActive !== true) return await refuse(deps, source, flow, "not-active")
  const claims = await claimsOf(deps, { signOn, flow, query })
  if (claims === undefined) return await refuse(deps, source, flow, "bad-answer")
  return await openSession(deps, source, { flow, signOn, claims })
}

async function claimsOf(
  deps: FlowDeps,
  of: { readonly signOn: SignOn; readonly flow: Flow; readonly query: URLSearchParams },
): Promise<Claims | undefined> {
  const url = new URL(redirectUrlOf(deps))
  url.search = of.query.toString()
  try {
    const settings = { ...of.signOn, clientSecret: openClientSecret(deps, of.signOn) }
    return await deps.providers.claimsOf(settings, of.flow, url)
  } catch (error) {
    deps.log.warn({ orgId: of.flow.orgId, problem: problemOf(error) }, "a login with OpenID failed")
    return undefined
  }
}

async function openSession(
  deps: FlowDeps,
  source: AuditSource,
  of: { readonly flow: Flow; readonly signOn: SignOn; readonly claims: Claims },
): Promise<{ readonly tokens: SessionTokens; readonly email: string }> {
  const { flow, signOn, claims } = of
  const admitting = deps.database.write(async (scope) => {
    const now = deps.clock.now()
    const current = await lockSignOn(scope.db, flow.orgId)
    const isSettled =
      current?.isActive === true && current.issuer === signOn.issuer && current.clientId === signOn.clientId
    if (!isSettled) throw new Refused("not-active")
    const result = await admit(deps, scope, { signOn: current, claims, source, now })
    if (result.kind === "refused") throw new Refused(result.reason)
    const { person, draft } = result
    const actor: AuditActor = { type: "user", id: person.id, name: person.email, authMethod: "oidc" }
    const metadata = { userId: person.id, sessionId: draft.session.id, secondFactor: null }
    scope.audit(loginEvent(deps, { type: "user-login", orgId: flow.orgId, actor, source, metadata }))
    return result
  })
  try {
    const { draft, person } = await admitting
    return { tokens: await signSession(deps, draft), email: person.email }
  } catch (error) {
    if (error instanceof Refused) return await refuse(deps, source, flow, error.reason)
    if (isUniqueViolation(error)) return await refuse(deps, source, flow, "at-once")
    throw error
  }
}

type Reason = Refusal | "refused-by-provider" | "bad-answer" | "at-once"

const texts: Readonly<Record<Reason, string>> = {
  "refused-by-provider": "The identity provider refused the login. Begin again, or ask an administrator.",
  "bad-answer": "The answer of the identity provider could not be accepted. Begin again.",
  "at-once": "Two logins came at once. Begin again.",
  "email-missing": "The identity provider did not name your e-mail address. Ask an administrator.",
  "email-not-verified":
    "The identity provider has not verified your e-mail address. Verify it there, and begin again.",
  "email-domain-not-allowed": "E-mail addresses of your domain may not log in here.",
  "not-invited": "You have no account here yet: ask an administrator for an invitation.",
  "not-active": "Your account is not active here: ask an administrator.",
  "belongs-elsewhere":
    "Your account belongs to another organization as well, for which this identity provider cannot speak. Log in with your password.",
}

async function refuse(deps: FlowDeps, source: AuditSource, flow: Flow, reasonCode: Reason): Promise<never> {
  const metadata = { userId: null, reasonCode: `oidc-${reasonCode}` }
  const of = { type: "user-login-failed", orgId: flow.orgId, actor: { type: "unknown" }, source } as const
  await deps.database.record([loginEvent(deps, { ...of, metadata })], { projectIds: [], actorIds: [] })
  throw new AppError("unauthenticated", "UnauthorizedError", texts[reasonCode])
}

function loginEvent(
  deps: FlowDeps,
  of: Pick<AuditEvent, "orgId" | "actor" | "source" | "metadata"> & {
    readonly type: "user-login" | "user-login-failed"
  },
): AuditEvent {
  return { id: deps.random.uuid(), at: deps.clock.now(), projectId: null, ...of }
}

function redirectUrlOf({ siteUrl }: Pick<FlowDeps, "siteUrl">): string {
  if (siteUrl !== undefined) return siteUrl + callbackPath
  const message = "Single sign-on needs the address of this server: its administrator must set SITE_URL"
  throw new AppError("invalid", "BadRequest", message)
}

const flowAddress = { orgId: "", recordId: "oidc-flow", field: "oidc-flow:state" }

function sealFlow(deps: Pick<FlowDeps, "keyring">, flow: Flow): string {
  return Buffer.from(deps.keyring.records.seal(flowAddress, JSON.stringify(flow))).toString("base64url")
}

/** `undefined` for a cookie that this server did not make. */
function openFlow(deps: Pick<FlowDeps, "keyring">, sealed: string): Flow | undefined {
  try {
    return JSON.parse(deps.keyring.records.open(flowAddress, Buffer.from(sealed, "base64url"))) as Flow
  } catch {
    // Anybody can send a cookie that does not open.
    return undefined
  }
}

function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Kinds and codes only: what a provider says may hold anything. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown"
  const code = "code" in error ? ` ${String(error.code)}` : ""
  return `${error.name}${code}`
}

function notBegunHere(): AppError {
  const message = "This login was not begun in this browser, was used already, or took too long. Begin again."
  return new AppError("unauthenticated", "UnauthorizedError", message)
}
