import type { UserSession } from "@coffer/contract"
import { isoTime } from "../../http/index.ts"
import type { Session } from "./domain.ts"

/** @param currentId the session that asks */
export function presentSession(session: Session, currentId: string): UserSession {
  return {
    id: session.id,
    createdAt: isoTime(session.createdAt),
    lastActiveAt: isoTime(session.refreshedAt),
    expiresAt: isoTime(session.expiresAt),
    ipAddress: session.ipAddress,
    userAgent: session.userAgent,
    authMethod: session.authMethod,
    secondFactor: session.secondFactor,
    isCurrent: session.id === currentId,
  }
}
