/**
 * Nothing that serves a request may read more of a big table than it needs. Statements are taken from requests as they
 * run, and asked how SQLite would find their rows: it has no statistics, so an index that fits better on paper may lose.
 */
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describeDatabase } from "@coffer/testkit"
import { afterEach, expect, it, vi } from "vitest"
import { aMachine, anInstance, aProject } from "../../testing/test-app.ts"
import { SqliteConnection } from "./sqlite-connection.ts"

/** Tables that grow without bound. */
const big = ["secret", "secret_version", "audit_event", "change", "access_token", "folder_version"]

/** The texts of the statements that run from now on, in their order; those of the audit log itself are not among them. */
function watchStatements(): () => readonly string[] {
  const { query, queryFixed } = SqliteConnection.prototype
  const seen: string[] = []
  vi.spyOn(SqliteConnection.prototype, "query").mockImplementation(function (
    this: SqliteConnection,
    sql,
    values,
  ) {
    seen.push(sql)
    return query.call(this, sql, values)
  })
  vi.spyOn(SqliteConnection.prototype, "queryFixed").mockImplementation(function (
    this: SqliteConnection,
    text,
    values,
  ) {
    seen.push(text.sql)
    return queryFixed.call(this, text, values)
  })
  return () => seen
}

/** The verb of a statement and what it is about. */
function beginningOf(sql: string): string {
  return /^(?:update|insert into|delete from|select \S+ from|select) "\w+"/.exec(sql)?.[0] ?? sql
}

describeDatabase("sqlite", "statements of requests", (open) => {
  afterEach(() => vi.restoreAllMocks())

  it("find their rows in big tables by an index that fits", async () => {
    const storage = await open()
    const instance = await anInstance(storage)
    const project = await aProject(instance)
    const machine = await aMachine(instance, { project: project.id, role: "admin" })
    const { test } = instance
    const statements = watchStatements()
    const { token } = machine
    const place = { projectId: project.id, environment: "dev", secretPath: "/" }
    const one = "/v4/secrets/KEY"
    const where = `projectId=${project.id}&environment=dev`
    await test.ok("POST", one, { token, body: { ...place, secretValue: "a" } })
    await test.ok("PATCH", one, { token, body: { ...place, secretValue: "b" } })
    await test.ok("PATCH", one, { token, body: { ...place, newSecretName: "KEY_2" } })
    const { secret } = await test.ok("GET", `/v4/secrets/KEY_2?${where}`, { token })
    await test.ok("GET", `/v4/secrets/KEY_2?${where}&version=1`, { token })
    await test.ok("GET", `/v4/secrets?${where}&recursive=true`, { token })
    await test.ok("GET", `/v1/secret/${secret.id}/secret-versions`, { token })
    await test.ok("POST", "/v1/folders", {
      token,
      body: { workspaceId: project.id, environment: "dev", name: "f" },
    })
    const move = { sourceEnvironment: "dev", sourceSecretPath: "/", destinationEnvironment: "dev" }
    const ids = { secretIds: [secret.id], destinationSecretPath: "/f" }
    await test.ok("POST", "/v4/secrets/move", { token, body: { projectId: project.id, ...move, ...ids } })
    await test.ok("DELETE", "/v4/secrets/KEY_2", { token, body: { ...place, secretPath: "/f" } })
    const { clientId, clientSecret } = machine
    const login = await test.ok("POST", "/v1/auth/universal-auth/login", { body: { clientId, clientSecret } })
    await test.ok("POST", "/v1/auth/token/revoke", { body: { accessToken: login.accessToken } })

    const database = new DatabaseSync(join(storage.dataFolder, "coffer.db"), { readOnly: true })
    const poor: string[] = []
    const seen = new Set(statements())
    for (const sql of seen) {
      if (!/^(select|update|delete|insert)/i.test(sql)) continue
      for (const { detail } of database.prepare(`explain query plan ${sql}`).all()) {
        const [, how, table = ""] = /^(SCAN|SEARCH) (?:\S+ AS )?(\w+)/.exec(String(detail)) ?? []
        if (!big.includes(table)) continue
        const isWholeProject = /"folder_id" = \?/.test(sql) && /\(project_id=\?\)/.test(String(detail))
        if (how === "SCAN" || isWholeProject) poor.push(`${detail}: ${sql}`)
      }
    }
    database.close()
    expect(seen.size).toBeGreaterThan(20)
    expect(poor).toEqual([])
  })

  it("of a write of one secret are five, also when no read comes between writes", async () => {
    const instance = await anInstance(await open())
    const project = await aProject(instance)
    const { test } = instance
    const { token } = await aMachine(instance, { project: project.id, role: "admin" })
    const place = { projectId: project.id, environment: "dev", secretPath: "/f" }
    await test.ok("POST", "/v1/folders", {
      token,
      body: { workspaceId: project.id, environment: "dev", name: "f" },
    })
    await test.ok("POST", "/v4/secrets/KEY", { token, body: { ...place, secretValue: "0" } })
    const { secret } = await test.ok("PATCH", "/v4/secrets/KEY", {
      token,
      body: { ...place, secretValue: "1" },
    })
    expect(secret.version).toBe(2)
    const statements = watchStatements()
    for (const secretValue of ["2", "3", "4"])
      await test.ok("PATCH", "/v4/secrets/KEY", { token, body: { ...place, secretValue } })
    // Nothing of the structure, no key of the project; begin, savepoint, audit and commit are shared or not counted.
    const write = [
      'update "project"',
      'select * from "secret"',
      'update "secret"',
      'insert into "secret_version"',
      'insert into "change"',
    ]
    expect(statements().map(beginningOf)).toEqual([...write, ...write, ...write])
    // A column that the text names costs its indexes, also when its value stays.
    const update = statements().find((sql) => sql.startsWith('update "secret"')) ?? ""
    const [, set = "", where] = /^update "secret" set (.*) where (.*)$/.exec(update) ?? []
    expect(set).toContain('"value_sealed" = ?')
    expect(set).not.toMatch(/"(?:id|project_id|environment_id|folder_id|key|type|user_id)"/)
    expect(where).toBe('"id" = ? and "project_id" = ?')
  })

  it("of a read after a write of one secret among many ask for that secret alone", async () => {
    const instance = await anInstance(await open())
    const project = await aProject(instance)
    const { test, adminToken: token } = instance
    const place = { projectId: project.id, environment: "dev", secretPath: "/" }
    const secrets = ["A", "B", "C", "D", "E"].map((secretKey) => ({ secretKey, secretValue: "0" }))
    await test.ok("POST", "/v4/secrets/batch", { token, body: { ...place, secrets } })
    const list = `/v4/secrets?projectId=${project.id}&environment=dev`
    await test.ok("GET", list, { token })
    await test.ok("PATCH", "/v4/secrets/C", { token, body: { ...place, secretValue: "1" } })
    const statements = watchStatements()
    expect((await test.ok("GET", list, { token })).secrets).toHaveLength(secrets.length)
    const reads = statements().filter((sql) => sql.startsWith('select * from "secret" '))
    expect(reads).toEqual([expect.stringContaining('"key" in (?)')])
  })
})
