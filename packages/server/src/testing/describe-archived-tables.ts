import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { exported, imported } from "./archive-bench.ts"
import { fill } from "./full-project.ts"
import { countRows, tablesOf } from "./tables.ts"
import { aWorkbench } from "./workbench.ts"

/** Whose rows the archive of a project takes along: an import has as many. */
const archived = [
  "environment",
  "environment_version",
  "folder",
  "folder_version",
  "project",
  "project_role",
  "secret",
  "secret_import",
  "secret_import_version",
  "secret_reminder",
  "secret_version",
  "tag",
]

/** Tables that tell of projects and stay behind, with the reason. */
const leftBehind = {
  audit_event: "proves what happened on one server",
  change: "the feed of changes starts anew",
  change_cursor: "how far readers on this server have got",
  change_floor: "the feed of changes starts anew",
  former_project: "remembers ids of projects that were deleted here",
  former_slug: "an old name leads on where it was used",
  invitation_project: "people are accounts of a server",
  project_data_key: "an import has a key of its own",
  project_group: "people are accounts of a server",
  project_import: "imports under way",
  project_membership: "people and machines are accounts of a server",
  webhook: "it would start calling",
  webhook_delivery: "it would start calling",
}

/** Their rows name no project: they hang on rows of other tables, which decide for them, or on none. */
const namingNone = [
  "access_token",
  "audit_head",
  "audit_log",
  "audit_prune",
  "audit_redaction",
  "audit_stream",
  "audit_stream_cursor",
  "audit_stream_health",
  "auth_method_author",
  "client_secret",
  "identity",
  "identity_auth_method",
  "instance_setting",
  "invitation",
  "keyring_key",
  "login_attempt",
  "login_failure",
  "mail_outbox",
  "mailed_reminder",
  "oidc_link",
  "oidc_sign_on",
  "organization",
  "organization_membership",
  "password_reset",
  "project_group_role",
  "project_membership_role",
  "project_privilege",
  "task_lease",
  "used_challenge",
  "user_account",
  "user_group",
  "user_group_member",
  "user_passkey",
  "user_recovery_code",
  "user_session",
  "user_totp",
  "webhook_attempt",
]

/** Which tables an archive knows, on either database. */
export function describeArchivedTables(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "tables and archives", (open) => {
    it("whoever adds a table decides whether the archive of a project takes its rows along", async () => {
      const tables = await tablesOf((await open()).database)
      const decided = [...archived, ...Object.keys(leftBehind), ...namingNone]
      expect(tables.map(({ name }) => name).toSorted()).toEqual(decided.toSorted())
      const tellsOfProjects = tables.filter((table) => table.columns.includes("project_id"))
      const expected = [...archived.filter((name) => name !== "project"), ...Object.keys(leftBehind)]
      const named = tellsOfProjects.map(({ name }) => name)
      // A former project is named by its own id.
      expect([...named, "former_project"].toSorted()).toEqual(expected.toSorted())
    })

    it("a copy made from an archive has every row of the tables that the archive takes along", async () => {
      const bench = await aWorkbench(await open())
      await fill(bench)
      const { archive, keys } = await exported(bench)
      const answer = await imported(bench.instance, archive, { ...keys, query: "asCopy=true" })
      expect(answer).toMatchObject({ status: 200, body: { isCopy: true } })
      const { database } = bench.instance.test.storage
      for (const table of archived) {
        const rows = await countRows(database, table, bench.project)
        expect(rows, `${table}: the full project of these tests has none`).toBeGreaterThan(0)
        expect([table, await countRows(database, table, answer.body.project.id)]).toEqual([table, rows])
      }
    })
  })
}
