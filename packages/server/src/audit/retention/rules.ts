import type { Reader } from "../../db/database.ts"
import type { AuditEventTable } from "../../db/schema.ts"
import { shorterRetention } from "./rule.ts"

const dayMs = 24 * 60 * 60 * 1_000

/** How long events are kept, as it is set now. */
export class RetentionRules {
  readonly #organizations: ReadonlyMap<string, number | null>
  readonly #projects: ReadonlyMap<string, { readonly orgId: string; readonly days: number }>

  private constructor(
    organizations: ReadonlyMap<string, number | null>,
    projects: ReadonlyMap<string, { readonly orgId: string; readonly days: number }>,
  ) {
    this.#organizations = organizations
    this.#projects = projects
  }

  static async load(db: Reader): Promise<RetentionRules> {
    const organizations = await db.selectFrom("organization").select(["id", "audit_retention_days"]).execute()
    const projects = await db
      .selectFrom("project")
      .select(["id", "org_id", "audit_retention_days as days"])
      .where("audit_retention_days", "is not", null)
      .execute()
    return new RetentionRules(
      new Map(organizations.map((row) => [row.id, row.audit_retention_days])),
      new Map(projects.map(({ id, org_id, days }) => [id, { orgId: org_id, days: days ?? 0 }])),
    )
  }

  /** Whether anything is ever removed. */
  get isForEver(): boolean {
    return this.#projects.size === 0 && [...this.#organizations.values()].every((days) => days === null)
  }

  /** Whether an event's time is over. One of an organization that is not there any more is kept. */
  isExpired(row: Pick<AuditEventTable, "org_id" | "project_id" | "at">, now: number): boolean {
    const days = shorterRetention(
      this.#organizations.get(row.org_id) ?? null,
      row.project_id === null ? null : (this.#projects.get(row.project_id)?.days ?? null),
    )
    return days !== null && row.at < now - days * dayMs
  }

  /** Whose events end before those of others, with the time before which they do. */
  early(now: number): readonly { readonly column: "org_id" | "project_id"; id: string; before: number }[] {
    const longest = [...this.#organizations.values()].reduce(
      (left, right) => (left === null || right === null ? null : Math.max(left, right)),
      0,
    )
    const projects = [...this.#projects]
      .filter(([, { orgId, days }]) => days < (this.#organizations.get(orgId) ?? Number.POSITIVE_INFINITY))
      .map(([id, { days }]) => ({ column: "project_id" as const, id, before: now - days * dayMs }))
    const organizations = [...this.#organizations].flatMap(([id, days]) =>
      days === null || days === longest
        ? []
        : [{ column: "org_id" as const, id, before: now - days * dayMs }],
    )
    return [...projects, ...organizations]
  }
}
