import { timingSafeEqual } from "node:crypto"
import type { AuditSource } from "../../audit/audit-event.ts"
import type { Writer } from "../../db/database.ts"
import { isUniqueViolation } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import type { Log } from "../../log.ts"
import { sealCode, type WaitingCommand } from "../command-logins/index.ts"
import { secondFactorDue } from "../logins/index.ts"
import { draftSession, type SessionTokens, signSession } from "../sessions/index.ts"
import { loginPath, redirectUrlOf, siteUrlOf } from "./addresses.ts"
import { type AdmissionDeps, admit, type Person } from "./admission.ts"
import { type Claims, type Flow, flowLifetimeMs, Refused, type SignOn } from "./domain.ts"
import type { Providers } from "./provider.ts"
import { actorOf, refuse, signOnEvent } from "./refusals.ts"
import { openClientSecret } from "./settings.ts"
import { findOrganization, findSignOn, lockSignOn, takeState } from "./store.ts"

export type FlowDeps = AdmissionDeps & {
  readonly providers: Providers
  readonly log: Log
  readonly siteUrl: string | undefined
}

/**
 * Begins a login of a browser, or of the command that opened it. @returns where the browser goes, and what it must bring back in its cookie
 * @throws AppError "not-found" when there is no such organization or it has no active provider; they look the same
 */
export async function beginLogin(
  deps: FlowDeps,
  organizationSlug: string,
  command?: WaitingCommand,
): Promise<{ readonly redirectTo: string; readonly flow: string }> {
  const signOn = await activeSignOn(deps, organizationSlug)
  const redirectUrl = redirectUrlOf(deps)
  const unguessable = () => Buffer.from(deps.random.bytes(32)).toString("base64url")
  const flow: Flow = {
    orgId: signOn.orgId,
    state: unguessable(),
    nonce: unguessable(),
    verifier: unguessable(),
    expiresAt: deps.clock.now() + flowLifetimeMs,
    ...(command === undefined ? {} : { command }),
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

/** @throws AppError "not-found" when there is no such organization or it has no active provider; they look the same */
async function activeSignOn(deps: Pick<FlowDeps, "database">, organizationSlug: string): Promise<SignOn> {
  const { reader } = deps.database
  const organization = await findOrganization(reader, { slug: organizationSlug })
  const signOn = organization === undefined ? undefined : await findSignOn(reader, organization.id)
  if (signOn?.isActive === true) return signOn
  const message = "There is no single sign-on under this address: look at the slug of the organization"
  throw new AppError("not-found", "NotFound", message)
}

/**
 * Where a browser begins a login for a command; by the address that the provider sends it back to, whatever the command
 * calls this server.
 *
 * @throws AppError as {@link beginLogin}, and "invalid" while the server does not know its own address
 */
export async function commandLoginUrl(deps: FlowDeps, organizationSlug: string): Promise<string> {
  await activeSignOn(deps, organizationSlug)
  return siteUrlOf(deps) + loginPath(organizationSlug).replace(/\/login$/, "/command-login")
}

/** What the end of a login gives: a session to the browser, or to the command that waits a code for one. */
export type Ended = { readonly email: string } & (
  | { readonly kind: "session"; readonly tokens: SessionTokens; readonly isSecondFactorDue: boolean }
  | { readonly kind: "code"; readonly code: string; readonly command: WaitingCommand }
)

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
): Promise<Ended> {
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
  return await admitTo(deps, source, { flow, signOn, claims })
}

/** The command that waits for the login of this browser; `undefined` when none does, or the login is not its own. */
export function waitingCommand(
  deps: Pick<FlowDeps, "keyring">,
  sealedFlow: string | undefined,
  query: URLSearchParams,
): WaitingCommand | undefined {
  const flow = sealedFlow === undefined ? undefined : openFlow(deps, sealedFlow)
  return flow !== undefined && isSame(flow.state, query.get("state") ?? "") ? flow.command : undefined
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

async function admitTo(
  deps: FlowDeps,
  source: AuditSource,
  of: { readonly flow: Flow; readonly signOn: SignOn; readonly claims: Claims },
): Promise<Ended> {
  const { flow, signOn, claims } = of
  const { orgId, command } = flow
  const admitting = deps.database.write(async (scope) => {
    const now = deps.clock.now()
    const current = await lockUnchanged(scope.db, signOn)
    const person = await admit(deps, scope, { signOn: current, claims, now })
    const event = { orgId, actor: actorOf(person), source }
    if (command !== undefined) {
      const metadata = { userId: person.id }
      scope.audit(signOnEvent(deps, { ...event, type: "create-login-code", metadata }))
      return { person, draft: undefined }
    }
    const order = { user: person, authMethod: "oidc", secondFactor: null, source, orgId } as const
    const draft = await draftSession(deps, scope.db, order, now)
    const metadata = { userId: person.id, sessionId: draft.session.id, secondFactor: null }
    scope.audit(signOnEvent(deps, { ...event, type: "user-login", metadata }))
    return { person, draft }
  })
  const { person, draft } = await refusing(deps, source, signOn, admitting)
  const { email } = person
  if (command !== undefined) return { kind: "code", email, command, code: codeFor(deps, of, person) }
  if (draft === undefined) throw new Error("a browser is given a session")
  const tokens = await signSession(deps, draft)
  const { isMfaEnabled: isSecondFactorDue } = await secondFactorDue(deps, draft.session)
  return { kind: "session", email, tokens, isSecondFactorDue }
}

/** What a code of single sign-on is judged again by: the provider whose word it is. */
export type CodeBasis = Pick<SignOn, "orgId" | "issuer" | "clientId">

function codeFor(
  deps: FlowDeps,
  { flow, signOn }: { readonly flow: Flow; readonly signOn: SignOn },
  person: Person,
): string {
  const { issuer, clientId } = signOn
  const challenge = flow.command?.challenge ?? ""
  const basis: CodeBasis = { orgId: flow.orgId, issuer, clientId }
  return sealCode(deps, "oidc", { ...basis, userId: person.id, challenge })
}

/** The settings that a login was begun with, locked until the write ends. @throws Refused when they changed meanwhile */
export async function lockUnchanged(
  db: Writer,
  known: Pick<SignOn, "orgId" | "issuer" | "clientId">,
): Promise<SignOn> {
  const current = await lockSignOn(db, known.orgId)
  const isSettled =
    current?.isActive === true && current.issuer === known.issuer && current.clientId === known.clientId
  if (!isSettled) throw new Refused("not-active")
  return current
}

/** The result of a write, or its refusal once that is in the audit log. */
export async function refusing<T>(
  deps: FlowDeps,
  source: AuditSource,
  signOn: Pick<SignOn, "orgId">,
  writing: Promise<T>,
): Promise<T> {
  try {
    return await writing
  } catch (error) {
    if (error instanceof Refused) return await refuse(deps, source, signOn, error.reason)
    if (isUniqueViolation(error)) return await refuse(deps, source, signOn, "at-once")
    throw error
  }
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
