import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aPerson } from "./a-person.ts"
import { aReader, readSecrets } from "./a-reader.ts"
import { describeReferenceGraphs } from "./describe-reference-graphs.ts"
import { importInto } from "./importing.ts"
import { aMachine, aProject, aSecret } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** References between folders, environments and projects through the HTTP API, on either database. */
export function describeReferences(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "references", (open) => {
    const make = async () => aWorkbench(await open())
    describeKnownBugs(make)
    describeOwnValues(make)
    describeRights(make)
    describeProjects(make)
    if (kind === "sqlite") describeReferenceGraphs(make)
  })
}

async function readValue(bench: Workbench, key: string, path = "/", environment = "prod"): Promise<string> {
  const url = `/v4/secrets/${key}?projectId=${bench.project}&environment=${environment}&secretPath=${path}`
  return (await bench.ok("GET", url)).secret.secretValue
}

/** Bugs that users of the peer reported. */
function describeKnownBugs(make: Make): void {
  it("INF#7613: a name that is unknown spoils neither its own value's other references nor an import", async () => {
    const bench = await make()
    for (const path of ["/source", "/importer"]) await bench.folder(path)
    await bench.put("FIRST", "1", "/source")
    await bench.put("MIXED", "${FIRST} ${NOT_DECLARED}!", "/source")
    await importInto(bench, "/importer", "/source")
    expect(await readValue(bench, "MIXED", "/source")).toBe("1 !")
    expect(await readValue(bench, "MIXED", "/importer")).toBe("1 !")
    const { imports } = (await bench.list("&secretPath=/importer")).body
    expect(imports[0].secrets).toMatchObject([{ secretValue: "1" }, { secretValue: "1 !" }])
  })

  it("INF#3814: a value may refer to what its folder imports, and own secrets win over imported ones", async () => {
    const bench = await make()
    for (const path of ["/template", "/app"]) await bench.folder(path)
    await bench.put("SCHEMA", "https", "/template")
    await bench.put("HOSTNAME", "localhost", "/template")
    await importInto(bench, "/app", "/template")
    await bench.put("HOSTNAME", "example.test", "/app")
    await bench.put("URL", "${SCHEMA}://${HOSTNAME}", "/app")
    await bench.put("FROM_AFAR", "${prod.app.SCHEMA}")
    expect(await readValue(bench, "URL", "/app")).toBe("https://example.test")
    expect(await readValue(bench, "FROM_AFAR")).toBe("https")
  })

  it("INF#1410, INF#1073: the references of a referenced value count where that value lives", async () => {
    const bench = await make()
    for (const path of ["/app-a", "/app-b/deep"]) await bench.folder(path)
    await bench.put("BASE_DOMAIN", "test.com", "/app-a")
    await bench.put("APP_URL", "https://a.${BASE_DOMAIN}", "/app-a")
    await bench.put("BASE_DOMAIN", "wrong", "/app-b/deep")
    await bench.put("APP_A_URL", "${prod.app-a.APP_URL}", "/app-b/deep")
    await bench.put("B", "testing")
    await bench.put("A", "some-${B}")
    await bench.put("C", "folder-${prod.A}", "/app-a")
    expect(await readValue(bench, "APP_A_URL", "/app-b/deep")).toBe("https://a.test.com")
    expect(await readValue(bench, "C", "/app-a")).toBe("folder-some-testing")
  })

  it("INF#2875: where no environment has the name, folders count from the root of the same environment", async () => {
    const bench = await make()
    for (const environment of ["dev", "prod"]) {
      for (const [path, name] of [
        ["/", "common"],
        ["/common", "deep"],
        ["/", "project"],
      ]) {
        await bench.ok("POST", "/v1/folders", { environment, path, name })
      }
      await bench.put("MY_SECRET", `${environment}-common`, "/common", environment)
      await bench.put("DEEP", `${environment}-deep`, "/common/deep", environment)
      await bench.put("A", "${common.MY_SECRET} ${common.deep.DEEP} ${nowhere.X}", "/project", environment)
    }
    expect(await readValue(bench, "A", "/project", "dev")).toBe("dev-common dev-deep ")
    expect(await readValue(bench, "A", "/project", "prod")).toBe("prod-common prod-deep ")
    await bench.put("MY_SECRET", "environment wins", "/", "prod")
    await bench.ok("POST", `/v1/projects/${bench.project}/environments`, { name: "Common", slug: "common" })
    await bench.put("MY_SECRET", "the environment", "/", "common")
    expect(await readValue(bench, "A", "/project", "dev")).toBe("the environment  ")
  })

  it("sdk#50: lists and single reads expand alike, and both show the raw text on request", async () => {
    const bench = await make()
    await bench.put("HOST", "h")
    await bench.put("URL", "https://${HOST}/x${NOPE}${bad name}$HOST")
    const expanded = "https://h/x${bad name}$HOST"
    const all = `workspaceId=${bench.project}&projectId=${bench.project}&environment=prod`
    for (const version of ["/v3/secrets/raw", "/v4/secrets"]) {
      for (const [flag, value] of [
        ["true", expanded],
        ["false", "https://${HOST}/x${NOPE}${bad name}$HOST"],
      ]) {
        const query = `${all}&expandSecretReferences=${flag}`
        const { secrets } = await bench.ok("GET", `${version}?${query}`)
        expect(secrets[1]).toMatchObject({ secretKey: "URL", secretValue: value })
        expect((await bench.ok("GET", `${version}/URL?${query}`)).secret.secretValue).toBe(value)
      }
    }
  })

  it("relative references of an imported value count at its source, then in the folder that imports it", async () => {
    const bench = await make()
    for (const path of ["/app", "/shared", "/base"]) await bench.folder(path)
    await bench.put("URL", "${SCHEME}://${HOST}:${PORT}${NOWHERE}", "/shared")
    await bench.put("SCHEME", "source", "/shared")
    await bench.put("SCHEME", "importer", "/app")
    await bench.put("HOST", "importer", "/app")
    await bench.put("PORT", "base", "/base")
    await importInto(bench, "/app", "/shared")
    await importInto(bench, "/app", "/base")
    expect(await readValue(bench, "URL", "/app")).toBe("source://importer:base")
    expect(await readValue(bench, "URL", "/shared")).toBe("source://:")
    await bench.put("LOCAL", "${URL}", "/app")
    expect(await readValue(bench, "LOCAL", "/app")).toBe("source://importer:base")
  })

  it("of several imports that hold a key, a reference takes the first, a single read the last", async () => {
    const bench = await make()
    for (const path of ["/app", "/one", "/two"]) await bench.folder(path)
    for (const path of ["/one", "/two"]) await bench.put("KEY", path, path)
    await importInto(bench, "/app", "/one")
    await importInto(bench, "/app", "/two")
    await bench.put("REF", "${KEY}", "/app")
    expect(await readValue(bench, "REF", "/app")).toBe("/one")
    expect(await readValue(bench, "KEY", "/app")).toBe("/two")
  })
}

/** What a user's own values do to the values that refer to them. */
function describeOwnValues(make: Make): void {
  it("INF#2812, INF#4842: references and imports show a user its own values, and nobody else", async () => {
    const bench = await make()
    const { instance, project } = bench
    const person = await aPerson(instance, { email: "dev@acme.test", project, role: "member" })
    await bench.folder("/app")
    await bench.put("MY_HOST", "please-override-me")
    await bench.put("URL", "https://${MY_HOST}")
    await bench.put("API_URL", "${prod.URL}/api", "/app")
    await importInto(bench, "/app", "/")
    const override = (key: string, secretValue: string) => {
      const body = { projectId: project, environment: "prod", type: "personal", secretValue }
      return instance.test.ok("POST", `/v4/secrets/${key}`, { token: person.token, body })
    }
    await override("MY_HOST", "local.test")
    const list = async (token: string, more = "&includePersonalOverrides=true") => {
      const url = `/v4/secrets?projectId=${project}&environment=prod&secretPath=/app${more}`
      const { secrets, imports } = await instance.test.ok("GET", url, { token })
      return [...secrets, ...imports[0].secrets].map((one: { secretValue: string }) => one.secretValue)
    }
    const own = ["https://local.test/api", "local.test", "https://local.test"]
    const shared = ["https://please-override-me/api", "please-override-me", "https://please-override-me"]
    expect(await list(person.token)).toEqual(own)
    expect(await list(person.token, "")).toEqual(shared)
    expect(await list(instance.adminToken)).toEqual(shared)
    const other = await aPerson(instance, { email: "other@acme.test", project, role: "admin" })
    expect(await list(other.token)).toEqual(shared)
    await override("URL", "http://${MY_HOST}:8080")
    const one = `/v4/secrets/URL?projectId=${project}&environment=prod`
    const personal = await instance.test.ok("GET", `${one}&type=personal`, { token: person.token })
    expect(personal.secret.secretValue).toBe("http://local.test:8080")
    expect((await instance.test.ok("GET", one, { token: person.token })).secret.secretValue).toBe(shared[2])
  })
}

/** Who may read what is referred to. */
function describeRights(make: Make): void {
  it("a reference to what may not be read fails the whole call and says which", async () => {
    const bench = await make()
    const { instance, project } = bench
    await bench.folder("/closed")
    await bench.put("PASSWORD", "the-hidden-value", "/closed")
    await bench.put("VIA", "${prod.closed.PASSWORD}", "/")
    await bench.put("URL", "x-${VIA}")
    await bench.put("PLAIN", "p")
    const rules = [readSecrets(), { ...readSecrets({ secretPath: "/closed" }), inverted: true }]
    const { token } = await aReader(instance, project, rules)
    const place = `projectId=${project}&environment=prod`
    const refusal = {
      status: 403,
      body: {
        error: "PermissionDenied",
        message:
          "You are not allowed to read the value of secret 'PASSWORD' in environment 'prod' at path '/closed', " +
          "to which secret 'VIA' refers",
      },
    }
    for (const url of [`/v4/secrets/URL?${place}`, `/v4/secrets?${place}`]) {
      const answer = await instance.test.call("GET", url, { token })
      expect(answer).toMatchObject(refusal)
      expect(answer.text).not.toContain("the-hidden-value")
      expect(await instance.test.lastEvent()).toMatchObject({ type: "permission-denied", projectId: project })
    }
    const raw = await instance.test.ok("GET", `/v4/secrets?${place}&expandSecretReferences=false`, { token })
    expect(raw.secrets).toHaveLength(3)
    const hidden = await instance.test.ok("GET", `/v4/secrets?${place}&viewSecretValue=false`, { token })
    expect(hidden.secrets).toHaveLength(3)
    expect((await instance.test.call("GET", `/v4/secrets/PLAIN?${place}`, { token })).status).toBe(200)
  })

  it("the refusal is the same whether the secret exists or not", async () => {
    const bench = await make()
    const { instance, project } = bench
    await bench.folder("/closed")
    await bench.put("THERE", "1", "/closed")
    await bench.put("A", "${prod.closed.THERE}")
    await bench.put("B", "${prod.closed.MISSING}")
    await bench.put("C", "${prod.nowhere.MISSING}")
    const { token } = await aReader(instance, project, [readSecrets({ secretPath: "/" })])
    for (const key of ["A", "B", "C"]) {
      const url = `/v4/secrets/${key}?projectId=${project}&environment=prod`
      expect((await instance.test.call("GET", url, { token })).status, key).toBe(403)
    }
  })

  it("the log names what was read on the way", async () => {
    const bench = await make()
    await bench.folder("/db")
    await bench.put("HOST", "h", "/db")
    await bench.put("NAME", "n", "/", "dev")
    await bench.put("URL", "${prod.db.HOST}/${dev.NAME}/${NOPE}")
    await readValue(bench, "URL")
    expect((await bench.instance.test.lastEvent())?.metadata).toMatchObject({
      references: ["dev:/NAME", "prod:/db/HOST"],
    })
  })
}

/** References between projects of one organization. */
function describeProjects(make: Make): void {
  it("a value may refer to another project of the organization that its reader may read", async () => {
    const bench = await make()
    const { instance, project } = bench
    const { test, adminToken } = instance
    const other = await aProject(instance, { name: "Shared", slug: "shared-project" })
    const folder = { workspaceId: other.id, environment: "prod", name: "db" }
    await test.ok("POST", "/v1/folders", { token: adminToken, body: folder })
    const put = (key: string, value: string) =>
      aSecret(instance, { project: other.id, key, value, path: "/db" })
    await put("HOST", "db.internal")
    await put("URL", "pg://${HOST}")
    await bench.put("HOST", "not this one")
    await bench.put("A", "${shared-project::prod.db.URL}|${shared-project::prod.NOPE}|${no-such::prod.X}")
    expect(await readValue(bench, "A")).toBe("pg://db.internal||")
    const events = (await test.auditEvents()).slice(-2)
    expect(events).toMatchObject([
      { type: "get-secret", projectId: project },
      {
        type: "get-referenced-secrets",
        projectId: other.id,
        metadata: {
          fromProjectId: project,
          numberOfSecrets: 2,
          references: ["prod:/db/HOST", "prod:/db/URL"],
        },
      },
    ])
    const stranger = await aMachine(instance, { project, role: "viewer" })
    const url = `/v4/secrets/A?projectId=${project}&environment=prod`
    const refused = await test.call("GET", url, { token: stranger.token })
    expect(refused).toMatchObject({ status: 403, body: { error: "PermissionDenied" } })
    expect(refused.body.message).toContain("secret 'URL' in environment 'prod' at path '/db' of project")
    expect(refused.text).not.toContain(other.id)
  })

  it("a change in the other project, its making and its rename end an ETag", async () => {
    const bench = await make()
    const { instance, project } = bench
    const { test, adminToken: token } = instance
    await bench.put("A", "${later-project::prod.KEY}")
    const url = `/v4/secrets?projectId=${project}&environment=prod`
    const read = async () => {
      const answer = await test.call("GET", url, { token })
      const etag = String(answer.headers["etag"])
      expect((await test.call("GET", url, { token, headers: { "if-none-match": etag } })).status).toBe(304)
      return `${etag} ${answer.body.secrets[0].secretValue}`
    }
    const seen = [await read()]
    const other = await aProject(instance, { slug: "later-project" })
    seen.push(await read())
    await aSecret(instance, { project: other.id, key: "KEY", value: "1" })
    seen.push(await read())
    await test.ok("PATCH", `/v1/projects/${other.id}`, { token, body: { slug: "renamed-project" } })
    seen.push(await read())
    expect(seen.map((one) => one.split(" ")[1])).toEqual(["", "", "1", ""])
    expect(new Set(seen.slice(0, 3).map((one) => one.split(" ")[0])).size).toBe(3)
  })
}
