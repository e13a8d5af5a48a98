import type { AuditEvent, AuditMetadata, AuditSource } from "../../audit/audit-event.ts"
import type { AppError } from "../../errors.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import { listOrganizationsOf, type User } from "../users/index.ts"

/** The event of a login that opened a session, or that gave a command a code for one. */
export function loginEvent(
  deps: Pick<ReadDeps, "clock" | "random">,
  of: {
    readonly type?: "user-login" | "create-login-code"
    readonly user: Pick<User, "id" | "email">
    readonly authMethod: string
    /** Whose audit log tells of it. */
    readonly orgId: string
    readonly source: AuditSource
    readonly metadata: AuditMetadata
  },
): AuditEvent {
  const { user, authMethod, orgId, source, metadata } = of
  const actor = { type: "user", id: user.id, name: user.email, authMethod } as const
  return { ...eventBase(deps), type: of.type ?? "user-login", orgId, actor, source, metadata }
}

/**
 * Refuses a login once the reason is in the audit log.
 *
 * @param user `undefined` when nobody is meant that exists here; what was sent instead is not recorded
 * @throws AppError the one that is given, always
 */
export async function refuseLogin(
  deps: ReadDeps,
  source: AuditSource,
  user: Pick<User, "id" | "email"> | undefined,
  refusal: { readonly reasonCode: string; readonly error: AppError },
): Promise<never> {
  const organizations = user === undefined ? [] : await listOrganizationsOf(deps.database.reader, user.id)
  const event: AuditEvent = {
    ...eventBase(deps),
    type: "user-login-failed",
    orgId: organizations[0]?.orgId ?? "",
    actor: user === undefined ? { type: "unknown" } : { type: "user", id: user.id, name: user.email },
    source,
    metadata: { userId: user?.id ?? null, reasonCode: refusal.reasonCode },
  }
  await deps.database.record([event], { projectIds: [], actorIds: [] })
  throw refusal.error
}

function eventBase(deps: Pick<ReadDeps, "clock" | "random">) {
  return { id: deps.random.uuid(), at: deps.clock.now(), projectId: null }
}
