import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** Moving secrets between folders and environments, on either database. */
export function describeMoves(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "moving secrets", (open) => {
    describeSecretMoves(async () => aWorkbench(await open()))
  })
}

/** The body of a move from the root of dev to a folder of prod. */
const fromTo = (secretIds: readonly string[], more: object = {}) => ({
  sourceEnvironment: "dev",
  sourceSecretPath: "/",
  destinationEnvironment: "prod",
  destinationSecretPath: "/app",
  secretIds,
  ...more,
})

function describeSecretMoves(make: Make): void {
  it("a moved secret keeps its id, value and history, and is gone where it was", async () => {
    const bench = await make()
    await bench.folder("/app")
    const secret = await bench.put("A", "1", "/", "dev")
    await bench.ok("PATCH", "/v4/secrets/A", { environment: "dev", secretValue: "2", secretComment: "why" })
    const answer = await bench.ok("POST", "/v4/secrets/move", fromTo([secret.id]))
    expect(answer).toEqual({ isSourceUpdated: true, isDestinationUpdated: true })
    const moved = (await bench.read("A", "&secretPath=/app")).body.secret
    expect(moved).toMatchObject({ id: secret.id, version: 3, secretValue: "2", secretComment: "why" })
    const old = await bench.read("A", "&secretPath=/app&version=1")
    expect(old.body.secret.secretValue).toBe("1")
    const gone = await bench.call("GET", `/v4/secrets/A?projectId=${bench.project}&environment=dev`)
    expect(gone.status).toBe(404)
    const changes = await bench.instance.test.storage.database.reader
      .selectFrom("change")
      .select(["kind", "path", "keys"])
      .where("project_id", "=", bench.project)
      .orderBy("revision", "desc")
      .orderBy("ordinal")
      .limit(2)
      .execute()
    expect(changes).toEqual([
      { kind: "secret:delete", path: "/", keys: '["A"]' },
      { kind: "secret:create", path: "/app", keys: '["A"]' },
    ])
    const events = await bench.instance.test.auditEvents()
    expect(events.find((event) => event.type === "move-secrets")?.metadata).toMatchObject({
      sourceEnvironment: "dev",
      destinationSecretPath: "/app",
      secretIds: [secret.id],
      secretKeys: ["A"],
    })
  })

  it("all names that are taken are told at once, and nothing moves", async () => {
    const bench = await make()
    await bench.folder("/app")
    const ids: string[] = []
    for (const key of ["A", "B", "C"]) ids.push((await bench.put(key, key, "/", "dev")).id)
    const old = await bench.put("A", "old", "/app")
    await bench.put("C", "old", "/app")
    const refused = await bench.call("POST", "/v4/secrets/move", fromTo(ids))
    expect(refused).toMatchObject({
      status: 400,
      body: { message: "Already in '/app' of environment 'prod': A, C", details: { secretKeys: ["A", "C"] } },
    })
    expect((await bench.read("B", "&secretPath=/app")).status).toBe(404)
    expect((await bench.read("A", "&secretPath=/app")).body.secret).toMatchObject({ id: old.id, version: 1 })
    await bench.ok("POST", "/v4/secrets/move", fromTo(ids, { shouldOverwrite: true }))
    const { secrets } = (await bench.list("&secretPath=/app")).body
    expect(secrets.map((one: { id: string; secretValue: string }) => [one.id, one.secretValue])).toEqual([
      [ids[0], "A"],
      [ids[1], "B"],
      [ids[2], "C"],
    ])
    const versions = await bench.ok("GET", `/v1/secret/${old.id}/secret-versions`)
    expect(versions.secretVersions[0]).toMatchObject({ version: 2, isDeleted: true })
  })

  it("what is missing is named, and a move to the same folder is refused", async () => {
    const bench = await make()
    await bench.folder("/app")
    const { id } = await bench.put("A", "1", "/", "dev")
    const move = (body: object) => bench.call("POST", "/v4/secrets/move", { ...fromTo([id]), ...body })
    expect(await move({ secretIds: [id, "nope"] })).toMatchObject({
      status: 404,
      body: { message: "Secrets with ID 'nope' not found in '/'" },
    })
    expect((await move({ destinationSecretPath: "/nope" })).body.message).toContain("'/nope'")
    expect((await move({ sourceEnvironment: "nope" })).body.message).toContain("'nope'")
    expect((await move({ destinationEnvironment: "dev", destinationSecretPath: "/" })).status).toBe(400)
    expect((await move({ secretIds: [] })).status).toBe(422)
    expect((await move({ secretIds: [id, id] })).status).toBe(400)
    expect((await bench.call("GET", `/v4/secrets/A?projectId=${bench.project}&environment=dev`)).status).toBe(
      200,
    )
  })
}
