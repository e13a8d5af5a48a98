/** A project that has something of everything, and what clients see of it. */
import { aPerson } from "./a-person.ts"
import type { Workbench } from "./workbench.ts"

const own = (bench: Workbench) => `/v1/projects/${bench.project}`

/** A project that has something of everything. */
export async function fill(bench: Workbench): Promise<{ readonly personToken: string }> {
  const { test, adminToken: token } = bench.instance
  const person = await aPerson(bench.instance, {
    email: "dev@acme.test",
    project: bench.project,
    role: "admin",
  })
  await bench.ok("PATCH", own(bench), { description: "all of it", autoCapitalization: true })
  await bench.ok("PATCH", `/coffer/v1/projects/${bench.project}/history`, { versionLimit: 40, trashDays: 30 })
  await bench.ok("POST", `${own(bench)}/environments`, { name: "QA", slug: "qa", position: 1 })
  await bench.ok("POST", `${own(bench)}/roles`, {
    slug: "auditor",
    name: "Auditor",
    permissions: [{ subject: "secrets", action: "describeSecret", conditions: { environment: "prod" } }],
  })
  const { tag } = await bench.ok("POST", `${own(bench)}/tags`, { slug: "team", color: "#fff" })
  const { tag: lost } = await bench.ok("POST", `${own(bench)}/tags`, { slug: "lost", color: "" })
  await bench.folder("/app/db")
  await bench.put("BASE", "base-value", "/app")
  await bench.ok("POST", "/v2/secret-imports", { path: "/", import: { environment: "prod", path: "/app" } })
  await bench.ok("POST", "/v4/secrets/FULL", {
    secretValue: "one\ntwo",
    secretComment: "why",
    tagIds: [tag.id, lost.id],
    skipMultilineEncoding: true,
    secretReminderNote: "rotate",
    secretReminderRepeatDays: 30,
    secretMetadata: [
      { key: "open", value: "seen" },
      { key: "closed", value: "metadata-in-the-dark", isEncrypted: true },
    ],
  })
  test.clock.advance(1_000)
  await bench.ok("PATCH", "/v4/secrets/FULL", { secretValue: "two ${BASE}" })
  await bench.ok("DELETE", `${own(bench)}/tags/${lost.id}`)
  await test.ok("POST", "/v4/secrets/FULL", {
    token: person.token,
    body: { projectId: bench.project, environment: "prod", secretValue: "mine", type: "personal" },
  })
  await bench.put("GONE", "trashed", "/app/db")
  await bench.ok("DELETE", "/v1/folders/db", { path: "/app" })
  await test.ok("GET", `${own(bench)}`, { token })
  return { personToken: person.token }
}

/** As {@link fill}, in more bytes than age seals at once: what comes early is read before the end is there. */
export async function fillLarge(bench: Workbench): Promise<void> {
  await fill(bench)
  for (let n = 0; n < 4; n += 1) await bench.put(`LARGE_${n}`, "x".repeat(900_000))
}

/** Everything that a client sees of a project, but for its revision and what names its id. */
export async function viewOf(bench: Workbench) {
  const { project } = await bench.ok("GET", own(bench))
  const query = `projectId=${bench.project}&environment=prod&path=/&recursive=true`
  const full = (await bench.read("FULL", "&expandSecretReferences=true&includeImports=true")).body.secret
  const trash = await bench.ok("GET", `/coffer/v1/projects/${bench.project}/trash?all=true`)
  const tags = await bench.ok("GET", `${own(bench)}/tags`)
  const roles = await bench.ok("GET", `${own(bench)}/roles`)
  const { role } = await bench.ok("GET", `${own(bench)}/roles/slug/auditor`)
  const reminders = await bench.ok("GET", `/coffer/v1/projects/${bench.project}/reminders`)
  const list = await bench.list("&recursive=true&includeImports=true")
  const versions = await bench.ok("GET", `/v1/secret/${full.id}/secret-versions`)
  const first = (await bench.read("FULL", "&version=1")).body.secret
  const { folders } = await bench.ok("GET", `/v2/folders?${query}`)
  const all = { project, full, first, trash, tags, roles, role, reminders, versions, folders }
  return { ...all, list: list.body }
}

/** What there is of projects, visible or not. */
export async function countsOf({ test, adminToken }: Workbench["instance"]) {
  const { reader } = test.storage.database
  const { projects } = await test.ok("GET", "/v1/projects", { token: adminToken })
  const count = async (table: "project" | "secret_version") => {
    const row = await reader
      .selectFrom(table)
      .select((eb) => eb.fn.countAll().as("n"))
      .executeTakeFirst()
    return Number(row?.n)
  }
  return {
    visible: projects.length,
    projects: await count("project"),
    versions: await count("secret_version"),
  }
}
