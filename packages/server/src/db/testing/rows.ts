/** Rows and events that tests of the database and of the audit log stand on. */
import type { AuditEvent } from "../../audit/audit-event.ts"
import type { Writer } from "../database.ts"

const at = Date.UTC(2026, 0, 1)

export async function insertProject(db: Writer, id = "project-1"): Promise<void> {
  await db
    .insertInto("organization")
    .values({ id: "org-1", name: "Acme", slug: "acme", created_at: at, updated_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await db
    .insertInto("project")
    .values({
      id,
      org_id: "org-1",
      name: id,
      slug: id,
      description: null,
      revision: 0,
      auto_capitalization: 0,
      has_delete_protection: 0,
      version_limit: null,
      audit_retention_days: null,
      created_at: at,
      updated_at: at,
    })
    .execute()
}

/** What every write of a project begins with. */
export async function nextRevision(db: Writer, projectId = "project-1"): Promise<number> {
  const { revision } = await db
    .updateTable("project")
    .set((update) => ({ revision: update("revision", "+", 1) }))
    .where("id", "=", projectId)
    .returning("revision")
    .executeTakeFirstOrThrow()
  return revision
}

export async function insertChange(
  db: Writer,
  revision: number,
  projectId = "project-1",
  path = "/",
): Promise<void> {
  await db
    .insertInto("change")
    .values({
      project_id: projectId,
      revision,
      ordinal: 0,
      kind: "secret:update",
      environment_id: null,
      folder_id: null,
      path,
      keys: '["KEY"]',
      at,
    })
    .execute()
}

export function anEvent(id: string, overrides: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id,
    at,
    type: "get-secret",
    orgId: "org-1",
    projectId: "project-1",
    actor: { type: "identity", id: "identity-1", name: "ci", authMethod: "universal-auth" },
    source: { ipAddress: "127.0.0.1", userAgent: "tests", userAgentType: "other", requestId: "req-1" },
    metadata: { environment: "dev", secretPath: "/", secretKey: "KEY", secretVersion: 1 },
    ...overrides,
  }
}
