import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aPerson, type Person } from "./a-person.ts"
import { TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Json = Readonly<Record<string, unknown>>

/** A project with one shared secret, and two people who may write. */
class Office {
  readonly bench: Workbench
  readonly alice: Person
  readonly bob: Person

  constructor(bench: Workbench, alice: Person, bob: Person) {
    this.bench = bench
    this.alice = alice
    this.bob = bob
  }

  call(person: Person, method: string, url: string, body?: Json) {
    const place = { projectId: this.bench.project, environment: "prod" }
    const { token } = person
    const call = body === undefined ? { token } : { token, body: { ...place, ...body } }
    return this.bench.instance.test.call(method, url, call)
  }

  read(person: Person, more = "") {
    return this.call(person, "GET", `/v4/secrets/KEY?projectId=${this.bench.project}&environment=prod${more}`)
  }

  list(person: Person, more = "&includePersonalOverrides=true") {
    return this.call(person, "GET", `/v4/secrets?projectId=${this.bench.project}&environment=prod${more}`)
  }

  override(person: Person, secretValue: string) {
    return this.call(person, "POST", "/v4/secrets/KEY", { secretValue, type: "personal" })
  }
}

/** Personal overrides of shared secrets, on either database. */
export function describePersonalSecrets(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "personal secrets", (open) => {
    const make = async () => {
      const bench = await aWorkbench(await open())
      await bench.put("KEY", "shared")
      const { project, instance } = bench
      const alice = await aPerson(instance, { email: "alice@acme.test", project, role: "member" })
      const bob = await aPerson(instance, { email: "bob@acme.test", project, role: "admin" })
      return new Office(bench, alice, bob)
    }
    describeOwnership(make)
    describeFollowing(make)
  })
}

type Make = () => Promise<Office>

function describeOwnership(make: Make): void {
  it("an override is seen by its owner alone, not by an admin, a machine or the shared read", async () => {
    const office = await make()
    const { alice, bob, bench } = office
    const made = await office.override(alice, "mine")
    expect(made).toMatchObject({ status: 200, body: { secret: { type: "personal", secretValue: "mine" } } })
    expect((await office.read(alice, "&type=personal")).body.secret.secretValue).toBe("mine")
    expect((await office.read(alice)).body.secret.secretValue).toBe("shared")
    expect((await office.list(alice)).body.secrets).toMatchObject([
      { secretKey: "KEY", secretValue: "mine", type: "personal" },
    ])
    expect((await office.list(alice, "")).body.secrets).toMatchObject([{ secretValue: "shared" }])

    expect((await office.read(bob, "&type=personal")).status).toBe(404)
    expect((await office.list(bob)).body.secrets).toMatchObject([{ secretValue: "shared", type: "shared" }])
    expect((await bench.read("KEY", "&type=personal")).status).toBe(404)
    expect((await bench.list("&includePersonalOverrides=true")).body.secrets).toMatchObject([
      { secretValue: "shared" },
    ])
    const history = `/v1/secret/${made.body.secret.id}/secret-versions`
    expect((await office.call(alice, "GET", history)).status).toBe(200)
    expect((await office.call(bob, "GET", history)).status).toBe(404)
    expect((await bench.call("GET", history)).status).toBe(404)
  })

  it("each user has one override of a key, and changes and deletes only its own", async () => {
    const office = await make()
    const { alice, bob } = office
    await office.override(alice, "a1")
    expect(await office.override(alice, "a2")).toMatchObject({
      status: 400,
      body: { error: "CreateSecret", message: "Secret already exist" },
    })
    expect((await office.override(bob, "b1")).status).toBe(200)
    const change = (person: Person, secretValue: string) =>
      office.call(person, "PATCH", "/v4/secrets/KEY", { secretValue, type: "personal" })
    expect((await change(alice, "a2")).body.secret).toMatchObject({ version: 2, secretValue: "a2" })
    expect((await office.read(bob, "&type=personal")).body.secret.secretValue).toBe("b1")
    expect((await office.call(alice, "DELETE", "/v4/secrets/KEY", { type: "personal" })).status).toBe(200)
    expect((await change(alice, "a3")).status).toBe(404)
    expect((await office.read(bob, "&type=personal")).status).toBe(200)
    expect((await office.read(alice)).body.secret.secretValue).toBe("shared")
  })

  it("a machine has no overrides, and nothing is overridden that is not shared", async () => {
    const { bench, alice, call } = await officeWith(make)
    for (const [method, body] of [
      ["POST", { secretValue: "x", type: "personal" }],
      ["DELETE", { type: "personal" }],
    ] as const) {
      const refused = await bench.call(method, "/v4/secrets/KEY", body)
      expect(refused).toMatchObject({
        status: 400,
        body: { message: "Must be user to create/delete personal secret" },
      })
    }
    const alone = await call(alice, "POST", "/v4/secrets/OTHER", { secretValue: "x", type: "personal" })
    expect(alone).toMatchObject({ status: 400, body: { error: "CreateSecret" } })
    const renamed = await bench.call("PATCH", "/v4/secrets/KEY", { type: "personal", newSecretName: "B" })
    expect(renamed.status).toBe(400)
  })

  it("a row that is given to another user, or made shared, does not open", async () => {
    const office = await make()
    const { alice, bob, bench } = office
    const { storage } = bench.instance.test
    const { id } = (await office.override(alice, "mine")).body.secret
    const alter = (columns: { user_id: string | null; type: "shared" | "personal"; key?: string }) =>
      storage.database.write(async ({ db }) => {
        await db.updateTable("secret").set(columns).where("id", "=", id).execute()
      })
    await alter({ user_id: bob.id, type: "personal" })
    const given = await office.read(bob, "&type=personal")
    expect(given.status).toBe(500)
    expect(given.text).not.toContain("mine")
    await alter({ user_id: null, type: "shared", key: "STOLEN" })
    const url = `/v4/secrets/STOLEN?projectId=${bench.project}&environment=prod`
    const fresh = await new TestApp(storage).call("GET", url, { token: bob.token })
    expect(fresh.status).toBe(500)
  })

  it("the answer of one user is not the answer of another: their validators differ", async () => {
    const office = await make()
    const { alice, bob, bench } = office
    const { id: project } = { id: bench.project }
    await bench.ok("PATCH", `/v1/projects/${project}`, { description: "same rights for both" })
    const carol = await aPerson(bench.instance, { email: "carol@acme.test", project, role: "admin" })
    await office.override(bob, "mine")
    const [first, second] = [await office.list(bob), await office.list(carol)]
    expect(first.headers["etag"]).not.toBe(second.headers["etag"])
    expect((await office.list(alice)).body.secrets[0].secretValue).toBe("shared")
  })
}

async function officeWith(make: Make) {
  const office = await make()
  return { bench: office.bench, alice: office.alice, call: office.call.bind(office) }
}

function describeFollowing(make: Make): void {
  it("overrides follow the shared secret through a rename and a move, and go with it", async () => {
    const office = await make()
    const { alice, bench } = office
    await office.override(alice, "mine")
    await bench.folder("/app")
    const { secret } = await bench.ok("PATCH", "/v4/secrets/KEY", { newSecretName: "NEW" })
    const personal = (path: string) => {
      const place = `projectId=${bench.project}&environment=prod&secretPath=${path}`
      return office.call(alice, "GET", `/v4/secrets/NEW?${place}&type=personal`)
    }
    expect((await personal("/")).body.secret.secretValue).toBe("mine")
    await bench.ok("POST", "/v4/secrets/move", {
      sourceEnvironment: "prod",
      sourceSecretPath: "/",
      destinationEnvironment: "prod",
      destinationSecretPath: "/app",
      secretIds: [secret.id],
    })
    expect((await personal("/app")).body.secret.secretValue).toBe("mine")
    expect((await personal("/")).status).toBe(404)
    await bench.ok("DELETE", "/v4/secrets/NEW", { secretPath: "/app" })
    expect((await personal("/app")).status).toBe(404)
    const { reader } = bench.instance.test.storage.database
    expect(await reader.selectFrom("secret").select("id").execute()).toEqual([])
    await bench.put("NEW", "again", "/app")
    expect((await personal("/app")).status).toBe(404)
  })

  it("a folder is deleted with the overrides in it, which leave their tombstones", async () => {
    const office = await make()
    const { alice, bench } = office
    await bench.folder("/app")
    await bench.put("KEY", "1", "/app")
    const body = { secretValue: "mine", type: "personal", secretPath: "/app" }
    expect((await office.call(alice, "POST", "/v4/secrets/KEY", body)).status).toBe(200)
    await bench.ok("DELETE", "/v1/folders/app", { path: "/" })
    const { reader } = bench.instance.test.storage.database
    const gone = await reader
      .selectFrom("secret_version")
      .select("user_id")
      .where("op", "=", "delete")
      .execute()
    expect(gone.map((row) => row.user_id).sort()).toEqual([alice.id, null].sort())
    const changes = await reader
      .selectFrom("change")
      .select("keys")
      .where("kind", "=", "secret:delete")
      .execute()
    expect(changes).toEqual([{ keys: '["KEY"]' }])
  })

  it("what one user overrides is told to nobody: no change is published", async () => {
    const office = await make()
    const { reader } = office.bench.instance.test.storage.database
    const count = async () => (await reader.selectFrom("change").select("revision").execute()).length
    const before = await count()
    await office.override(office.alice, "mine")
    await office.call(office.alice, "PATCH", "/v4/secrets/KEY", { secretValue: "2", type: "personal" })
    await office.call(office.alice, "DELETE", "/v4/secrets/KEY", { type: "personal" })
    expect(await count()).toBe(before)
  })
}
