/** What is told of logins that an OpenID provider vouches for, and of those that are refused. */
import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import { AppError } from "../../errors.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import { codeRefusedText } from "../command-logins/index.ts"
import type { Refusal, SignOn } from "./domain.ts"

type Reason = Refusal | "refused-by-provider" | "bad-answer" | "at-once"

const texts: Readonly<Record<Reason, string>> = {
  "refused-by-provider": "The identity provider refused the login. Begin again, or ask an administrator.",
  "bad-answer": "The answer of the identity provider could not be accepted. Begin again.",
  "at-once": "Two logins came at once. Begin again.",
  "code-late": codeRefusedText,
  "code-used": codeRefusedText,
  "wrong-verifier": codeRefusedText,
  "email-missing": "The identity provider did not name your e-mail address. Ask an administrator.",
  "email-not-verified":
    "The identity provider has not verified your e-mail address. Verify it there, and begin again.",
  "email-domain-not-allowed": "E-mail addresses of your domain may not log in here.",
  "not-invited": "You have no account here yet: ask an administrator for an invitation.",
  "not-active": "Your account is not active here: ask an administrator.",
  "belongs-elsewhere":
    "Your account belongs to another organization as well, for which this identity provider cannot speak. Log in with your password.",
}

/**
 * Refuses a login once the reason is in the audit log.
 * @throws AppError "unauthenticated", always
 */
export async function refuse(
  deps: ReadDeps,
  source: AuditSource,
  { orgId }: Pick<SignOn, "orgId">,
  reasonCode: Reason,
): Promise<never> {
  const metadata = { userId: null, reasonCode: `oidc-${reasonCode}` }
  const of = { type: "user-login-failed", orgId, actor: { type: "unknown" }, source } as const
  await deps.database.record([signOnEvent(deps, { ...of, metadata })], { projectIds: [], actorIds: [] })
  throw new AppError("unauthenticated", "UnauthorizedError", texts[reasonCode])
}

/** An event of somebody whom an OpenID provider vouches for, or does not. */
export function signOnEvent(
  deps: Pick<ReadDeps, "clock" | "random">,
  of: Pick<AuditEvent, "orgId" | "actor" | "source" | "metadata"> & {
    readonly type: "user-login" | "user-login-failed" | "create-login-code"
  },
): AuditEvent {
  return { id: deps.random.uuid(), at: deps.clock.now(), projectId: null, ...of }
}

export function actorOf(person: { readonly id: string; readonly email: string }): AuditActor {
  return { type: "user", id: person.id, name: person.email, authMethod: "oidc" }
}
