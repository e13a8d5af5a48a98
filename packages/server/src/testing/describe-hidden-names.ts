import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { describeOldVersions } from "./describe-old-versions.ts"
import { aMachine } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>
type Json = Readonly<Record<string, unknown>>

/** What a member tries in order to learn of secrets that its rules hide; answers must not depend on them. */
export function describeHiddenNames(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "hidden names", (open) => {
    const make = async () => aWorkbench(await open())
    describeGuesses(make)
    describeEscapes(make)
    describeOldVersions(make)
  })
}

/** Somebody who may do everything with secrets in dev, and nothing elsewhere. */
async function aDeveloper(bench: Workbench, more: readonly Json[] = []) {
  const permissions = [
    ...["describeSecret", "readValue", "create", "edit", "delete"].map((action) => ({
      subject: "secrets",
      action,
      conditions: { environment: "dev" },
    })),
    { subject: "secret-folders", action: ["create", "edit", "delete"], conditions: { environment: "dev" } },
    ...more,
  ]
  return await aMember(bench, permissions)
}

async function aMember(bench: Workbench, permissions: readonly Json[], slug = "limited") {
  const { project, instance } = bench
  await bench.ok("POST", `/v1/projects/${project}/roles`, { slug, name: slug, permissions })
  const { token } = await aMachine(instance, { project, role: slug })
  const place = { workspaceId: project, projectId: project }
  return (method: string, url: string, body?: Json) =>
    instance.test.call(
      method,
      url,
      body === undefined ? { token } : { token, body: { ...place, environment: "dev", ...body } },
    )
}

function describeGuesses(make: Make): void {
  it("a search counts and pages over what the caller may know of alone", async () => {
    const bench = await make()
    await bench.folder("/vault")
    await bench.put("MINE", "v", "/", "dev")
    for (const key of ["HIDDEN_A", "HIDDEN_B"]) await bench.put(key, "v", "/vault")
    const member = await aDeveloper(bench)
    const url = `/coffer/v1/projects/${bench.project}/search`
    expect((await member("POST", url, { environment: undefined })).body).toMatchObject({ searched: 1 })
    const inVault = await member("POST", url, { environment: "prod", secretPath: "/vault" })
    expect(inVault.body).toEqual({ secrets: [], nextCursor: null, searched: 0 })
  })

  it("a get by name answers the same for what is hidden and for what is missing, folders and versions included", async () => {
    const bench = await make()
    await bench.folder("/vault")
    await bench.put("HIDDEN", "v", "/vault")
    await bench.put("MINE", "v", "/", "dev")
    const member = await aDeveloper(bench)
    const place = `workspaceId=${bench.project}&projectId=${bench.project}`
    const names = (environment: string, path: string, key: string) => {
      const query = `${place}&environment=${environment}&secretPath=${path}`
      return [
        `/v4/secrets/${key}?${query}`,
        `/v3/secrets/raw/${key}?${query}&include_imports=true`,
        `/v4/secrets/${key}?${query}&viewSecretValue=false`,
        `/v4/secrets/${key}?${query}&version=99`,
        `/v4/secrets/${key}/secret-reference-tree?${query}`,
        `/v4/secrets/${key}/secret-references?${query}`,
      ]
    }
    const answersTo = async (urls: readonly string[]) =>
      await Promise.all(
        urls.map(async (url) => {
          const { status, body } = await member("GET", url)
          return { status, message: body.message, error: body.error, details: body.details }
        }),
      )
    const hidden = await answersTo(names("prod", "/vault", "HIDDEN"))
    expect(hidden.map(({ status }) => status)).toEqual(hidden.map(() => 403))
    expect(await answersTo(names("prod", "/vault", "NOPE"))).toEqual(hidden)
    expect(await answersTo(names("prod", "/nowhere", "HIDDEN"))).toEqual(hidden)
    const own = await answersTo([...names("dev", "/", "NOPE"), ...names("dev", "/nowhere", "MINE")])
    expect(own.map(({ status }) => status)).toEqual(own.map(() => 404))
  })

  it("who is denied secrets by tag gets the answer of a hidden one for every missing name, by the value alone it does not", async () => {
    const bench = await make()
    const { project } = bench
    const body = { slug: "restricted", color: "#0a0" }
    const { tag } = await bench.ok("POST", `/v1/projects/${project}/tags`, body)
    await bench.ok("POST", "/v4/secrets/TAGGED", { secretValue: "hidden", tagIds: [tag.id] })
    await bench.put("OPEN", "v")
    const everything = { subject: "secrets", action: ["describeSecret", "readValue"] }
    const denied = (action: string | readonly string[]) => ({
      subject: "secrets",
      action,
      inverted: true,
      conditions: { secretTags: { $in: ["restricted"] } },
    })
    const statuses = async (call: Awaited<ReturnType<typeof aMember>>) =>
      await Promise.all(
        ["OPEN", "TAGGED", "NOPE"].map(async (key) => {
          const answer = await call("GET", `/v4/secrets/${key}?projectId=${project}&environment=prod`)
          return answer.status
        }),
      )
    const hiding = await aMember(bench, [everything, denied(["describeSecret", "readValue"])], "hiding")
    expect(await statuses(hiding)).toEqual([200, 403, 403])
    const closing = await aMember(bench, [everything, denied("readValue")], "closing")
    expect(await statuses(closing)).toEqual([200, 403, 404])
  })

  it("a rename tells nobody which keys there are where it may not edit", async () => {
    const bench = await make()
    await bench.put("MINE", "v", "/", "dev")
    await bench.put("MINE", "v")
    await bench.put("HIDDEN", "v")
    const member = await aDeveloper(bench)
    const url = `/coffer/v1/projects/${bench.project}/secrets/rename`
    const rename = async (body: Json) => (await member("POST", url, body)).status
    for (const environments of [["prod"], undefined]) {
      for (const [secretKey, newSecretKey] of [
        ["HIDDEN", "OTHER"],
        ["ABSENT", "OTHER"],
        ["MINE", "HIDDEN"],
        ["MINE", "ABSENT"],
      ]) {
        expect(await rename({ secretKey, newSecretKey, environments }), `${secretKey} ${newSecretKey}`).toBe(
          403,
        )
      }
    }
    expect(await rename({ secretKey: "MINE", newSecretKey: "OTHER", environments: ["dev"] })).toBe(200)
  })

  it("a copy or a file tells nobody which keys are in the way where it may not write", async () => {
    const bench = await make()
    const { project } = bench
    await bench.put("HIDDEN", "v", "/", "dev")
    await bench.put("ABSENT", "v", "/", "dev")
    await bench.put("HIDDEN", "other")
    const member = await aDeveloper(bench)
    const list = await member("GET", `/v4/secrets?projectId=${project}&environment=dev`)
    for (const { id } of list.body.secrets as readonly { id: string }[]) {
      for (const onConflict of ["fail", "skip", "overwrite"]) {
        const copy = { sourceEnvironment: "dev", destinationEnvironment: "prod", secretIds: [id], onConflict }
        expect((await member("POST", `/coffer/v1/projects/${project}/secrets/copy`, copy)).status).toBe(403)
      }
    }
    for (const content of ["HIDDEN=guess", "ABSENT=guess"]) {
      const file = { environment: "prod", format: "dotenv", content }
      for (const onConflict of ["fail", "skip", "overwrite"]) {
        const answer = await member("POST", `/coffer/v1/projects/${project}/import`, { ...file, onConflict })
        expect(answer.status, `${content} ${onConflict}`).toBe(403)
      }
      const preview = await member("POST", `/coffer/v1/projects/${project}/import`, {
        ...file,
        preview: true,
      })
      expect(preview.status).toBe(403)
    }
  })

  it("an update that passes over what is missing tells nobody what is there", async () => {
    const bench = await make()
    await bench.put("HIDDEN", "v")
    const member = await aDeveloper(bench)
    for (const mode of ["ignore", "upsert", "failOnNotFound"]) {
      for (const secretKey of ["HIDDEN", "ABSENT"]) {
        const body = { environment: "prod", mode, secrets: [{ secretKey, secretValue: "guess" }] }
        expect((await member("PATCH", "/v4/secrets/batch", body)).status, `${mode} ${secretKey}`).toBe(403)
      }
    }
  })

  it("a copy with sub-folders tells nobody of folders it may not read", async () => {
    const bench = await make()
    for (const path of ["/vault", "/vault/payroll"]) await bench.folder(path)
    const member = await aDeveloper(bench)
    const answer = await member("POST", `/coffer/v1/projects/${bench.project}/secrets/copy`, {
      sourceEnvironment: "prod",
      sourceSecretPath: "/vault",
      destinationEnvironment: "dev",
      destinationSecretPath: "/found",
      recursive: true,
    })
    expect(answer.status).toBe(403)
    expect(answer.text).not.toContain("payroll")
  })
}

function describeEscapes(make: Make): void {
  const everything = ["describeSecret", "readValue", "create", "edit", "delete"]

  it("a new name or other tags set no secret free of a rule that hides it from the caller", async () => {
    const bench = await make()
    const { project } = bench
    const { tag } = await bench.ok("POST", `/v1/projects/${project}/tags`, {
      slug: "restricted",
      color: "#0a0",
    })
    await bench.put("DB_PASSWORD", "hidden", "/", "dev")
    await bench.ok("POST", "/v4/secrets/TAGGED", {
      environment: "dev",
      secretValue: "hidden",
      tagIds: [tag.id],
    })
    const member = await aMember(bench, [
      { subject: "secrets", action: everything },
      hidden({ secretName: "DB_PASSWORD" }),
      hidden({ secretTags: { $in: ["restricted"] } }),
    ])
    const renamed = await member("PATCH", "/v4/secrets/DB_PASSWORD", { newSecretName: "MINE" })
    expect(renamed.status).toBe(403)
    const everywhere = { secretKey: "DB_PASSWORD", newSecretKey: "MINE", environments: ["dev"] }
    const moved = await member("POST", `/coffer/v1/projects/${project}/secrets/rename`, everywhere)
    expect(moved.status).toBe(403)
    expect((await member("PATCH", "/v4/secrets/TAGGED", { tagIds: [] })).status).toBe(403)
    const written = await member("PATCH", "/v4/secrets/DB_PASSWORD", { secretValue: "new" })
    expect(written.status, written.text).toBe(200)
  })

  it("a new name is not compared with names the caller may not use", async () => {
    const bench = await make()
    await bench.put("APP_A", "v", "/", "dev")
    await bench.put("HIDDEN", "v", "/", "dev")
    const own = { secretName: { $glob: "APP_*" } }
    const member = await aMember(bench, [{ subject: "secrets", action: everything, conditions: own }])
    for (const newSecretName of ["HIDDEN", "ABSENT"]) {
      expect((await member("PATCH", "/v4/secrets/APP_A", { newSecretName })).status).toBe(403)
    }
    expect((await member("PATCH", "/v4/secrets/APP_A", { newSecretName: "APP_B" })).status).toBe(200)
  })

  const hidden = (conditions: Json) => ({
    subject: "secrets",
    action: "readValue",
    inverted: true,
    conditions,
  })

  it("a restore sets no secret free of a rule that hides it from the caller", async () => {
    const bench = await make()
    const { project } = bench
    const { tag } = await bench.ok("POST", `/v1/projects/${project}/tags`, {
      slug: "restricted",
      color: "#0a0",
    })
    await bench.put("KEY", "hidden", "/", "dev")
    const restore = `/coffer/v1/projects/${project}/restore`
    const preview = async (revision: number, call = bench.call.bind(bench)) =>
      (await call("GET", `${restore}?environment=dev&revision=${revision}`)).body.restore.revision
    const untagged = await preview(1)
    await bench.ok("PATCH", "/v4/secrets/KEY", { environment: "dev", tagIds: [tag.id] })
    const member = await aMember(bench, [
      { subject: "secrets", action: everything },
      { subject: "secret-rollback", action: ["read", "create"] },
      hidden({ secretTags: { $in: ["restricted"] } }),
    ])
    const body = { environment: "dev", revision: untagged, expectedRevision: await preview(untagged, member) }
    const answer = await member("POST", restore, body)
    expect(answer.status, answer.text).toBe(403)
    expect((await bench.call("POST", restore, body)).status).toBe(200)
  })

  it("nobody renames or deletes what its own rules hide things by", async () => {
    const bench = await make()
    const { project } = bench
    const { tag } = await bench.ok("POST", `/v1/projects/${project}/tags`, {
      slug: "restricted",
      color: "#0a0",
    })
    const { environment } = await bench.ok("POST", `/v1/projects/${project}/environments`, {
      name: "QA",
      slug: "qa",
    })
    const { environment: other } = await bench.ok("POST", `/v1/projects/${project}/environments`, {
      name: "Load",
      slug: "load",
    })
    const member = await aMember(bench, [
      { subject: "secrets", action: everything },
      { subject: "tags", action: ["read", "edit", "delete"] },
      { subject: "environments", action: ["read", "edit"] },
      hidden({ environment: "qa" }),
      hidden({ secretTags: { $in: ["restricted"] } }),
    ])
    const tagUrl = `/v1/projects/${project}/tags/${tag.id}`
    expect((await member("PATCH", tagUrl, { slug: "free" })).status).toBe(403)
    expect((await member("DELETE", tagUrl)).status).toBe(403)
    expect((await member("PATCH", tagUrl, { color: "#111" })).status).toBe(200)
    const environmentUrl = `/v1/projects/${project}/environments/${environment.id}`
    expect((await member("PATCH", environmentUrl, { slug: "free" })).status).toBe(403)
    expect((await member("PATCH", environmentUrl, { name: "Quality" })).status).toBe(200)
    const free = await member("PATCH", `/v1/projects/${project}/environments/${other.id}`, { slug: "stress" })
    expect(free.status, free.text).toBe(200)
  })

  it("nobody deletes with a folder what it may not delete itself", async () => {
    const bench = await make()
    await bench.folder("/app")
    await bench.folder("/app/vault")
    await bench.put("KEPT", "v", "/app/vault")
    const member = await aMember(bench, [
      { subject: "secrets", action: everything },
      { subject: "secrets", action: "delete", inverted: true, conditions: { secretPath: "/app/vault" } },
      { subject: "secret-folders", action: "delete" },
    ])
    const body = { environment: "prod", path: "/" }
    const refused = await member("DELETE", "/v1/folders/app", body)
    expect([refused.status, refused.body.message]).toEqual([
      403,
      "You are not allowed to delete on secrets: folder '/app' holds a secret that you may not delete",
    ])
    expect((await bench.read("KEPT", "&secretPath=/app/vault")).status).toBe(200)
  })

  it("nor with an environment; who may delete what it holds, as the role member may, deletes it", async () => {
    const bench = await make()
    const { project, instance } = bench
    await bench.folder("/vault")
    await bench.put("KEPT", "v", "/vault")
    await bench.put("GONE", "v", "/", "dev")
    const { environments } = (await bench.ok("GET", `/v1/projects/${project}`)).project
    const environmentUrl = (slug: string) => {
      const found = (environments as { id: string; slug: string }[]).find((one) => one.slug === slug)
      return `/v1/projects/${project}/environments/${found?.id}`
    }
    const ofEnvironments = { subject: "environments", action: ["read", "delete"] }
    const exceptVault = await aMember(
      bench,
      [
        { subject: "secrets", action: everything },
        { subject: "secrets", action: "delete", inverted: true, conditions: { secretPath: "/vault" } },
        ofEnvironments,
      ],
      "except-vault",
    )
    const refused = await exceptVault("DELETE", environmentUrl("prod"))
    expect([refused.status, refused.body.error, refused.body.message]).toEqual([
      403,
      "PermissionDenied",
      "You are not allowed to delete on secrets: environment 'prod' holds a secret that you may not delete",
    ])
    expect((await bench.read("KEPT", "&secretPath=/vault")).status).toBe(200)
    const withoutSecrets = await aMember(bench, [ofEnvironments], "without-secrets")
    expect((await withoutSecrets("DELETE", environmentUrl("dev"))).status).toBe(403)
    expect((await withoutSecrets("DELETE", environmentUrl("staging"))).status).toBe(200)
    expect((await exceptVault("DELETE", environmentUrl("dev"))).status).toBe(200)
    const { token } = await aMachine(instance, { project, role: "member" })
    expect((await instance.test.call("DELETE", environmentUrl("prod"), { token })).status).toBe(200)
  })

  it("a folder named as the id of another one is judged by where it is", async () => {
    const bench = await make()
    const { folder } = await bench.ok("POST", "/v1/folders", { environment: "dev", name: "any", path: "/" })
    await bench.folder("/vault")
    await bench.folder(`/vault/${folder.id}`)
    const member = await aMember(bench, [
      { subject: "secret-folders", action: ["edit", "delete"], conditions: { secretPath: "/" } },
    ])
    const place = { environment: "prod", path: "/vault" }
    expect((await member("DELETE", `/v1/folders/${folder.id}`, place)).status).toBe(403)
    expect((await member("PATCH", `/v1/folders/${folder.id}`, { ...place, name: "taken" })).status).toBe(403)
  })
}
