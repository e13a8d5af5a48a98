import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { describeFolderPaths } from "./describe-folder-paths.ts"
import { aMachine, aProject, TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>
type Environment = { readonly id: string; readonly slug: string; readonly position: number }

/** Projects, their environments and folders through the HTTP API, on either database. */
export function describeProjects(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "environments", (open) => {
    const make = async () => aWorkbench(await open())
    describeEnvironments(make)
    describeOrder(make)
  })
  describeDatabase(kind, "folders", (open) => describeFolders(async () => aWorkbench(await open())))
  describeDatabase(kind, "the path of a folder", (open) => {
    describeFolderPaths(async () => aWorkbench(await open()))
  })
  describeDatabase(kind, "settings of a project", (open) => {
    describeSlugs(async () => aWorkbench(await open()))
    describeSettings(async () => aWorkbench(await open()))
    it("a slug that another server gave away is told there too", async () => {
      const storage = await open()
      const bench = await aWorkbench(storage)
      const second = new TestApp(storage)
      const token = bench.instance.adminToken
      const { slug } = (await bench.ok("GET", own(bench))).project
      await second.ok("GET", `/v1/projects/slug/${slug}`, { token })
      await bench.ok("PATCH", own(bench), { slug: "renamed-here" })
      expect(await second.call("GET", `/v1/projects/slug/${slug}`, { token })).toMatchObject({
        status: 404,
        body: { message: `Project with slug '${slug}' not found; did you mean slug 'renamed-here'?` },
      })
      expect((await second.call("GET", "/v1/projects/slug/renamed-here", { token })).status).toBe(200)
    })
  })
}

const own = (bench: Workbench) => `/v1/projects/${bench.project}`

/** As they are stored, by position: what every list is made from. */
async function environmentsOf(bench: Workbench): Promise<readonly Environment[]> {
  const { environments } = (await bench.ok("GET", own(bench))).project
  return await Promise.all(
    environments.map(
      async ({ id }: Environment) => (await bench.ok("GET", `${own(bench)}/environments/${id}`)).environment,
    ),
  )
}

async function orderOf(bench: Workbench): Promise<string> {
  return (await environmentsOf(bench)).map(({ slug, position }) => `${position}:${slug}`).join(" ")
}

async function idOf(bench: Workbench, slug: string): Promise<string> {
  return (await environmentsOf(bench)).find((one) => one.slug === slug)?.id ?? "none"
}

function describeEnvironments(make: Make): void {
  it("one is made, read, renamed and deleted on both paths, each with its envelope", async () => {
    const bench = await make()
    for (const [family, field] of [
      ["projects", "projectId"],
      ["workspace", "workspace"],
    ] as const) {
      const path = `/v1/${family}/${bench.project}/environments`
      const made = await bench.ok("POST", path, { name: "QA", slug: "qa" })
      expect(made).toMatchObject({
        message: "Successfully created new environment",
        [field]: bench.project,
        environment: { name: "QA", slug: "qa", position: 4, projectId: bench.project },
      })
      const one = `${path}/${made.environment.id}`
      expect((await bench.ok("GET", one)).environment).toEqual(made.environment)
      const changed = await bench.ok("PATCH", one, { name: "Quality", slug: "quality" })
      expect(changed.environment).toMatchObject({ name: "Quality", slug: "quality", position: 4 })
      expect(await bench.instance.test.lastEvent()).toMatchObject({
        type: "update-environment",
        metadata: { oldName: "QA", oldSlug: "qa", name: "Quality", slug: "quality" },
      })
      await bench.put("A", "1", "/", "quality")
      expect((await bench.call("POST", path, { name: "Again", slug: "quality" })).status).toBe(400)
      expect((await bench.ok("DELETE", one)).environment.id).toBe(made.environment.id)
      expect((await bench.call("GET", one)).status).toBe(404)
      expect(
        (await bench.call("GET", `/v4/secrets?projectId=${bench.project}&environment=quality`)).status,
      ).toBe(404)
    }
  })

  it("a slug that is taken, malformed or too long is refused, and nothing changes", async () => {
    const bench = await make()
    const path = `${own(bench)}/environments`
    const before = await environmentsOf(bench)
    const taken = await bench.call("PATCH", `${path}/${await idOf(bench, "dev")}`, {
      slug: "prod",
      position: 3,
    })
    expect(taken).toMatchObject({
      status: 400,
      body: { message: "Environment with slug 'prod' already exists in this project" },
    })
    for (const slug of ["Prod", "a b", "a--b", "-a", "x".repeat(65), ""]) {
      expect((await bench.call("POST", path, { name: "X", slug })).status).toBe(422)
    }
    expect(await environmentsOf(bench)).toEqual(before)
  })

  it("secrets, references and imports follow an environment to its new slug", async () => {
    const bench = await make()
    await bench.put("A", "1", "/", "dev")
    await bench.ok("PATCH", `${own(bench)}/environments/${await idOf(bench, "dev")}`, { slug: "develop" })
    const list = await bench.ok("GET", `/v4/secrets?projectId=${bench.project}&environment=develop`)
    expect(list.secrets).toMatchObject([{ secretKey: "A", secretValue: "1" }])
    const gone = await bench.call("GET", `/v4/secrets?projectId=${bench.project}&environment=dev`)
    expect(gone).toMatchObject({
      status: 404,
      body: { message: `Environment with slug 'dev' in project with ID ${bench.project} not found` },
    })
  })
}

function describeOrder(make: Make): void {
  it("moving one moves the others around it, and every list shows the order", async () => {
    const bench = await make()
    const path = `${own(bench)}/environments`
    expect(await orderOf(bench)).toBe("1:dev 2:staging 3:prod")
    await bench.ok("PATCH", `${path}/${await idOf(bench, "prod")}`, { position: 1 })
    expect(await orderOf(bench)).toBe("1:prod 2:dev 3:staging")
    const { metadata } = (await bench.instance.test.auditEvents()).findLast(
      ({ type }) => type === "update-environment",
    ) ?? { metadata: {} }
    expect(metadata).toMatchObject({ slug: "prod", position: 1, oldPosition: 3 })
    await bench.ok("POST", path, { name: "QA", slug: "qa", position: 2 })
    expect(await orderOf(bench)).toBe("1:prod 2:qa 3:dev 4:staging")
    await bench.ok("PATCH", `${path}/${await idOf(bench, "qa")}`, { position: 10_000 })
    expect(await orderOf(bench)).toBe("1:prod 2:dev 3:staging 4:qa")
    await bench.ok("DELETE", `${path}/${await idOf(bench, "dev")}`)
    expect(await orderOf(bench)).toBe("1:prod 2:staging 3:qa")
    const { workspaces } = await bench.ok("GET", "/v1/workspace")
    expect(workspaces[0].environments.map(({ slug }: Environment) => slug)).toEqual(["prod", "staging", "qa"])
    for (const position of [0, -1, 1.5, 10_001, "1"]) {
      expect((await bench.call("PATCH", `${path}/${await idOf(bench, "qa")}`, { position })).status).toBe(422)
    }
  })

  it("an environment that comes back from the trash has its place again", async () => {
    const bench = await make()
    const id = await idOf(bench, "staging")
    await bench.ok("DELETE", `${own(bench)}/environments/${id}`)
    expect(await orderOf(bench)).toBe("1:dev 2:prod")
    const trash = `/coffer/v1/projects/${bench.project}/trash`
    await bench.ok("POST", `${trash}/restore`, { kind: "environment", id })
    expect(await orderOf(bench)).toBe("1:dev 2:staging 3:prod")
  })

  it("many moves at once leave positions without gaps and twins", async () => {
    const bench = await make()
    const path = `${own(bench)}/environments`
    for (const slug of ["e4", "e5", "e6"]) await bench.ok("POST", path, { name: slug, slug })
    const ids = (await environmentsOf(bench)).map(({ id }) => id)
    const moves = Array.from({ length: 24 }, (_, index) => ({
      id: ids[(index * 5) % ids.length],
      position: ((index * 7) % ids.length) + 1,
    }))
    const answers = await Promise.all(
      moves.map(({ id, position }) => bench.call("PATCH", `${path}/${id}`, { position })),
    )
    expect(answers.map(({ status }) => status)).toEqual(moves.map(() => 200))
    const after = await environmentsOf(bench)
    expect(after.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6])
    expect(after.map(({ id }) => id).sort()).toEqual([...ids].sort())
  })
}

function describeFolders(make: Make): void {
  it("creating is idempotent and makes what is missing above, on both versions", async () => {
    const bench = await make()
    for (const version of ["v1", "v2"]) {
      const body = { name: "db", path: `/${version}/app`, description: "tables" }
      const { folder } = await bench.ok("POST", `/${version}/folders`, body)
      expect(folder).toMatchObject({ name: "db", path: `/${version}/app/db`, description: "tables" })
      expect((await bench.ok("POST", `/${version}/folders`, body)).folder).toEqual(folder)
      expect((await bench.ok("GET", `/${version}/folders/${folder.id}`)).folder).toMatchObject({
        id: folder.id,
        path: `/${version}/app/db`,
        projectId: bench.project,
        environment: { envSlug: "prod" },
      })
    }
    const query = `projectId=${bench.project}&environment=prod&directory=/&recursive=true`
    const { folders } = await bench.ok("GET", `/v2/folders?${query}`)
    expect(folders.map((one: { relativePath: string }) => one.relativePath)).toEqual([
      "/v1",
      "/v1/app",
      "/v1/app/db",
      "/v2",
      "/v2/app",
      "/v2/app/db",
    ])
  })

  it("a folder is renamed and deleted by id or by name, and full ones only by force or on v1", async () => {
    const bench = await make()
    const { folder } = await bench.folder("/app").then(async (made) => {
      await bench.folder("/other")
      await bench.put("A", "1", "/app")
      return made
    })
    const taken = await bench.call("PATCH", "/v2/folders/app", { path: "/", name: "other" })
    expect(taken).toMatchObject({
      status: 400,
      body: { message: "Folder with specified name already exists" },
    })
    for (const name of ["a b", "a/b", "ä", "..", ""]) {
      expect((await bench.call("PATCH", `/v2/folders/${folder.id}`, { path: "/", name })).status).toBe(422)
    }
    await bench.ok("PATCH", "/v2/folders/app", { path: "/", name: "api" })
    expect((await bench.read("A", "&secretPath=/api")).body.secret.secretValue).toBe("1")
    const kept = await bench.call("DELETE", `/v2/folders/${folder.id}`, { path: "/" })
    expect(kept).toMatchObject({
      status: 400,
      body: { error: "DeleteFolder", message: expect.stringContaining("pass forceDelete") },
    })
    await bench.ok("DELETE", `/v2/folders/${folder.id}`, { path: "/", forceDelete: true })
    expect((await bench.read("A", "&secretPath=/api")).status).toBe(404)
    await bench.put("B", "1", "/other")
    await bench.ok("DELETE", "/v1/folders/other", { directory: "/" })
    expect((await bench.call("DELETE", "/v1/folders/other", { directory: "/" })).status).toBe(404)
  })
}

function describeSlugs(make: Make): void {
  it("a project has its new slug at once; whoever asks for the old one is told, strangers are not", async () => {
    const bench = await make()
    const { test, adminToken: token } = bench.instance
    const old = (await bench.ok("GET", own(bench))).project.slug
    const bySlug = (slug: string, by = token) => test.call("GET", `/v1/projects/slug/${slug}`, { token: by })
    expect((await bench.ok("PATCH", own(bench), { slug: "payments" })).project.slug).toBe("payments")
    expect((await bySlug("payments")).body.id).toBe(bench.project)
    const told = `Project with slug '${old}' not found; did you mean slug 'payments'?`
    expect(await bySlug(old)).toMatchObject({ status: 404, body: { message: told } })
    await bench.put("A", "1")
    const list = `/v3/secrets/raw?workspaceSlug=${old}&environment=prod`
    expect(await test.call("GET", list, { token })).toMatchObject({ status: 404, body: { message: told } })
    const stranger = await aMachine(bench.instance, { orgRole: "admin" })
    expect(await bySlug(old, stranger.token)).toMatchObject({
      status: 404,
      body: { message: `Project with slug '${old}' not found` },
    })
    // Renamed again, the oldest name leads to the newest one; a project that takes an old name has it.
    await bench.ok("PATCH", own(bench), { slug: "pay" })
    expect((await bySlug(old)).body.message).toContain("did you mean slug 'pay'?")
    const other = await aProject(bench.instance, { slug: "payments" })
    expect((await bySlug("payments")).body.id).toBe(other.id)
    await bench.ok("DELETE", `/v1/projects/${other.id}`)
    expect((await bySlug("payments")).body.message).toContain("did you mean slug 'pay'?")
    await bench.ok("DELETE", own(bench))
    expect((await bySlug(old)).body.message).toBe(`Project with slug '${old}' not found`)
  })

  it("of two projects that take one slug at once, one has it and the other is told", async () => {
    const bench = await make()
    const other = await bench.another("Other")
    const slugs = Array.from({ length: 6 }, (_, index) => `wanted-${index}`)
    for (const slug of slugs) {
      const answers = await Promise.all([
        bench.call("PATCH", own(bench), { slug }),
        other.call("PATCH", own(other), { slug }),
        bench.call("POST", "/v1/projects", { projectName: "Third", slug }),
      ])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
      for (const { status, body } of answers) {
        if (status === 400) expect(body.message).toContain(`A project with the slug "${slug}" already exists`)
      }
    }
  })

  it("a slug that cannot be is refused by name", async () => {
    const bench = await make()
    for (const slug of ["Payments", "pay ments", "pay--ments", "", "x".repeat(65)]) {
      const answer = await bench.call("PATCH", own(bench), { slug })
      expect(answer).toMatchObject({ status: 422, body: { message: expect.stringContaining("body.slug") } })
    }
    expect((await bench.ok("PATCH", own(bench), { slug: "pay_ments-2" })).project.slug).toBe("pay_ments-2")
  })
}

function describeSettings(make: Make): void {
  it("settings are changed one by one, shown in every wrapping, and told to caches", async () => {
    const bench = await make()
    const change = (body: Record<string, unknown>) => bench.ok("PATCH", own(bench), body)
    await change({ name: "Payments", description: "what pays" })
    await change({ autoCapitalization: true, pitVersionLimit: 25 })
    await change({ hasDeleteProtection: true })
    const expected = {
      name: "Payments",
      description: "what pays",
      autoCapitalization: true,
      pitVersionLimit: 25,
      hasDeleteProtection: true,
    }
    const { project } = await bench.ok("GET", own(bench))
    expect(project).toMatchObject(expected)
    expect((await bench.ok("GET", `/v1/workspace/${bench.project}`)).workspace).toMatchObject(expected)
    expect(await bench.ok("GET", `/v2/workspace/${project.slug}`)).toMatchObject(expected)
    expect((await bench.ok("GET", "/v1/projects")).projects).toMatchObject([expected])
    expect((await change({ description: null })).project.description).toBeNull()
    for (const pitVersionLimit of [0, 101, 1.5, "10"]) {
      expect((await bench.call("PATCH", own(bench), { pitVersionLimit })).status).toBe(422)
    }
  })

  it("a protected project is not deleted until the protection is switched off, by those who may", async () => {
    const bench = await make()
    const { test } = bench.instance
    const { slug } = (await bench.ok("PATCH", own(bench), { hasDeleteProtection: true })).project
    for (const path of [own(bench), `/v2/workspace/${slug}`]) {
      expect(await bench.call("DELETE", path)).toMatchObject({
        status: 400,
        body: {
          message: `Project '${slug}' is protected against deletion; switch hasDeleteProtection off first`,
        },
      })
    }
    const member = await aMachine(bench.instance, { project: bench.project, role: "member" })
    for (const [method, body] of [
      ["PATCH", { hasDeleteProtection: false }],
      ["PATCH", { slug: "stolen" }],
      ["DELETE", undefined],
    ] as const) {
      const call = { token: member.token, ...(body === undefined ? {} : { body }) }
      expect((await test.call(method, own(bench), call)).status).toBe(403)
    }
    expect((await bench.ok("GET", own(bench))).project).toMatchObject({ slug, hasDeleteProtection: true })
    await bench.ok("PATCH", own(bench), { hasDeleteProtection: false })
    await bench.ok("DELETE", own(bench))
    expect((await bench.call("GET", own(bench))).status).toBe(404)
  })

  it("a project is protected from its beginning when it is made so", async () => {
    const bench = await make()
    const { project } = await bench.ok("POST", "/v1/projects", {
      projectName: "Vault",
      hasDeleteProtection: true,
    })
    expect((await bench.call("DELETE", `/v1/projects/${project.id}`)).status).toBe(400)
  })
}
