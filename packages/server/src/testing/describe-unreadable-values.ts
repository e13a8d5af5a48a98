import { describeDatabase } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { aReader } from "./a-reader.ts"
import { atAStand } from "./client-stand.ts"
import { EsoProvider } from "./clients/eso-provider.ts"
import { type ImportedItem, importInto, type ShownImport } from "./importing.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

const placeholder = "<hidden-by-infisical>"
const secrets = { subject: "secrets", action: ["describeSecret", "readValue"] }
const except = (secretName: string, ...action: readonly string[]) => ({
  subject: "secrets",
  action,
  inverted: true,
  conditions: { secretName },
})

/** What lists do with a value that the caller may know of and not read (ADR 0012), on either database. */
export function describeUnreadableValues(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "values that may be known of and not read", (open) => {
    const make = async () => await aScene(await aWorkbench(await open()))
    describe("a list of v3", () => describeV3(make))
    describe("a list of v4", () => describeV4(make))

    it("External Secrets Operator: a find fails, and never holds the placeholder", () =>
      atAStand(open, async ({ bench, origin, slug }) => {
        const { machine } = await aScene(bench)
        const { clientId, clientSecret } = machine
        const place = { projectSlug: slug, environment: "prod", secretsPath: "/", expand: true }
        const store = { origin, clientId, clientSecret, ...place, recursive: false }
        await EsoProvider.reconcile(store, async (eso) => {
          await expect(eso.findAll()).rejects.toMatchObject({
            status: 403,
            serverMessage: expect.stringContaining("'SHUT'"),
          })
          expect(await eso.getSecret("OPEN")).toBe("open")
          await expect(eso.getSecret("SHUT")).rejects.toMatchObject({ status: 403 })
        })
        await EsoProvider.reconcile({ ...store, recursive: true }, async (eso) => {
          expect(await eso.findAll()).toEqual({ OPEN: "open", BELOW: "below", IMPORTED: "imported" })
        })
      }))
  })
}

type Scene = Awaited<ReturnType<typeof aScene>>
type Make = () => Promise<Scene>

/** OPEN and SHUT in / and in what it imports, BELOW and SHUT below; nobody may read what is named SHUT. */
async function aScene(bench: Workbench) {
  const { instance, project } = bench
  for (const path of ["/below", "/source"]) await bench.folder(path)
  await bench.put("OPEN", "open")
  await bench.put("SHUT", "never-shown")
  await bench.put("BELOW", "below", "/below")
  await bench.put("SHUT", "never-shown", "/below")
  await bench.put("IMPORTED", "imported", "/source")
  await bench.put("SHUT", "never-shown", "/source")
  await importInto(bench, "/", "/source")
  const machine = await aReader(instance, project, [secrets, except("SHUT", "readValue")])
  const roles = `/v1/projects/${project}/roles`
  const permit = async (...permissions: readonly object[]) => {
    const { role } = await bench.ok("GET", `${roles}/slug/reader`)
    await bench.ok("PATCH", `${roles}/${role.id}`, { permissions })
  }
  const ask = (url: string) => instance.test.call("GET", url, { token: machine.token })
  const v3 = (more: string) => ask(`/v3/secrets/raw?workspaceId=${project}&environment=prod${more}`)
  const v4 = (more: string) => ask(`/v4/secrets?projectId=${project}&environment=prod${more}`)
  return { bench, machine, permit, v3, v4 }
}

const valuesOf = (shown: readonly ImportedItem[]) => shown.map((one) => `${one.secretKey}=${one.secretValue}`)

function describeV3(make: Make): void {
  it("is refused, by name and with the way out, and the refusal is in the audit log", async () => {
    const { bench, v3 } = await make()
    const answer = await v3("")
    expect(answer).toMatchObject({
      status: 403,
      body: {
        error: "PermissionDenied",
        message: expect.stringMatching(
          /^You are not allowed to readValue on secrets: .*'SHUT'\. .*viewSecretValue=false/,
        ),
        details: expect.arrayContaining([except("SHUT", "readValue")]),
      },
    })
    expect(answer.text).not.toMatch(/never-shown|OPEN|hidden-by/)
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "permission-denied",
      projectId: bench.project,
    })
  })

  it("names ten of them at most", async () => {
    const { bench, permit, v3 } = await make()
    await bench.folder("/many")
    for (let at = 10; at < 22; at += 1) await bench.put(`KEY_${at}`, "never-shown", "/many")
    await permit({ subject: "secrets", action: "describeSecret" })
    const { status, body } = await v3("&secretPath=/many")
    expect(status).toBe(403)
    expect(body.message).toContain("'KEY_10', 'KEY_11'")
    expect(body.message).toContain("'KEY_19' and 2 more.")
  })

  it.for([
    "",
    "&include_imports=true",
    "&recursive=true",
  ])("shows the placeholder to who asked not to see values: %s", async (more) => {
    const { v3 } = await make()
    const { status, body } = await v3(`&viewSecretValue=false${more}`)
    expect(status).toBe(200)
    const shown: readonly ImportedItem[] = [
      ...body.secrets,
      ...(body.imports ?? []).flatMap((one: ShownImport) => one.secrets),
    ]
    expect(shown.map((one) => one.secretKey)).toContain("SHUT")
    for (const one of shown) {
      expect(one).toMatchObject({ secretValue: placeholder, secretValueHidden: true })
    }
  })

  it("leaves out what is unreadable below, and in what the folder imports", async () => {
    const { bench, v3 } = await make()
    const below = await v3("&recursive=true")
    expect(below.status).toBe(200)
    expect(valuesOf(below.body.secrets)).toEqual(["OPEN=open", "BELOW=below", "IMPORTED=imported"])
    await bench.folder("/app")
    await importInto(bench, "/app", "/source")
    const { status, body } = await v3("&secretPath=/app&include_imports=true")
    expect(status).toBe(200)
    expect(body.imports.map((one: ShownImport) => valuesOf(one.secrets))).toEqual([["IMPORTED=imported"]])
  })

  it("that the filter clears of it is answered", async () => {
    const { bench, v3 } = await make()
    const { tag } = await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug: "web", color: "" })
    await bench.ok("PATCH", "/v4/secrets/OPEN", { tagIds: [tag.id] })
    const { status, body } = await v3("&tagSlugs=web")
    expect(status).toBe(200)
    expect(valuesOf(body.secrets)).toEqual(["OPEN=open"])
  })

  it("is answered without the secret when it may not even be known of", async () => {
    const { permit, v3 } = await make()
    await permit(secrets, except("SHUT", "describeSecret", "readValue"))
    const { status, body } = await v3("&include_imports=true")
    expect(status).toBe(200)
    expect(valuesOf(body.secrets)).toEqual(["OPEN=open"])
    expect(valuesOf(body.imports[0].secrets)).toEqual(["IMPORTED=imported"])
  })

  it("is refused from the moment that the right is gone, also to who holds the validator of an answer", async () => {
    const { bench, machine, permit, v3 } = await make()
    await permit(secrets)
    const seen = await v3("")
    expect(valuesOf(seen.body.secrets)).toEqual(["OPEN=open", "SHUT=never-shown"])
    const again = () =>
      bench.instance.test.call("GET", `/v3/secrets/raw?workspaceId=${bench.project}&environment=prod`, {
        token: machine.token,
        headers: { "if-none-match": String(seen.headers["etag"]) },
      })
    expect((await again()).status).toBe(304)
    await permit(secrets, except("SHUT", "readValue"))
    expect((await again()).status).toBe(403)
  })
}

function describeV4(make: Make): void {
  it("shows the placeholder beside its flag, as the contract says", async () => {
    const { v4 } = await make()
    const { status, body } = await v4("&includeImports=true")
    expect(status).toBe(200)
    expect(body.secrets).toMatchObject([
      { secretKey: "OPEN", secretValue: "open", secretValueHidden: false },
      { secretKey: "SHUT", secretValue: placeholder, secretValueHidden: true },
    ])
    expect(valuesOf(body.imports[0].secrets)).toEqual(["IMPORTED=imported"])
  })

  it("leaves out what is unreadable when it is recursive", async () => {
    const { v4 } = await make()
    const { body } = await v4("&recursive=true&includeImports=false")
    expect(valuesOf(body.secrets)).toEqual(["OPEN=open", "BELOW=below", "IMPORTED=imported"])
  })
}
