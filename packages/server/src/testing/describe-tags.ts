import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** Tags of a project through the HTTP API, on either database. */
export function describeTags(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "tags", (open) => {
    const make = async () => aWorkbench(await open())
    describeProjectTags(make)
    describeTaggedSecrets(make)
  })
}

const tagsOf = (secret: { tags: readonly { slug: string }[] }) => secret.tags.map((tag) => tag.slug)

function describeProjectTags(make: Make): void {
  it("a tag is made with or without a color, found by id and by slug, on both paths", async () => {
    const bench = await make()
    for (const family of ["projects", "workspace"]) {
      const path = `/v1/${family}/${bench.project}/tags`
      const slug = `team-${family}`
      const { tag } = await bench.ok("POST", path, { slug, color: "", name: "ignored" })
      expect(tag).toMatchObject({ slug, name: slug, color: "", projectId: bench.project })
      expect((await bench.ok("GET", `${path}/${tag.id}`)).tag).toEqual(tag)
      expect((await bench.ok("GET", `${path}/slug/${slug}`)).tag).toEqual(tag)
    }
    const { tags } = await bench.ok("GET", `/v1/projects/${bench.project}/tags`)
    expect(tags.map((tag: { slug: string }) => tag.slug)).toEqual(["team-projects", "team-workspace"])
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "get-tags",
      metadata: { numberOfTags: 2 },
    })
  })

  it("a missing tag is a 404, never an empty answer", async () => {
    const bench = await make()
    const path = `/v1/projects/${bench.project}/tags`
    const bySlug = await bench.call("GET", `${path}/slug/nope`)
    expect(bySlug).toMatchObject({ status: 404, body: { message: "Tag with slug 'nope' not found" } })
    expect((await bench.call("GET", `${path}/nope`)).status).toBe(404)
    expect((await bench.call("PATCH", `${path}/nope`, { slug: "x" })).status).toBe(404)
    expect((await bench.call("DELETE", `${path}/nope`)).status).toBe(404)
  })

  it("two tags never have one slug, and a slug is a slug", async () => {
    const bench = await make()
    const path = `/v1/projects/${bench.project}/tags`
    await bench.ok("POST", path, { slug: "a", color: "#fff" })
    const { tag } = await bench.ok("POST", path, { slug: "b" })
    expect((await bench.call("POST", path, { slug: "a" })).status).toBe(400)
    expect((await bench.call("PATCH", `${path}/${tag.id}`, { slug: "a" })).status).toBe(400)
    expect((await bench.call("POST", path, { slug: "Not A Slug" })).status).toBe(422)
    const changed = await bench.ok("PATCH", `${path}/${tag.id}`, { color: "#000" })
    expect(changed.tag).toMatchObject({ id: tag.id, slug: "b", color: "#000" })
  })
}

function describeTaggedSecrets(make: Make): void {
  it("secrets carry tags by id, show their present slug, and are found by it", async () => {
    const bench = await make()
    const path = `/v1/projects/${bench.project}/tags`
    const { tag } = await bench.ok("POST", path, { slug: "team", color: "#fff" })
    const unknown = await bench.call("POST", "/v4/secrets/A", { secretValue: "1", tagIds: ["nope"] })
    expect(unknown).toMatchObject({ status: 404, body: { message: "Tag with ID 'nope' not found" } })
    const made = await bench.ok("POST", "/v4/secrets/A", { secretValue: "1", tagIds: [tag.id] })
    expect(made.secret.tags).toEqual([{ id: tag.id, slug: "team", name: "team", color: "#fff" }])
    await bench.put("B", "2")
    await bench.ok("PATCH", `${path}/${tag.id}`, { slug: "crew" })
    const { secrets } = (await bench.list("&tagSlugs=crew")).body
    expect(secrets).toMatchObject([{ secretKey: "A", tags: [{ slug: "crew" }] }])
  })

  it("tags are put on and taken off by slug; nothing changes where nothing is new", async () => {
    const bench = await make()
    for (const slug of ["a", "b"]) {
      await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug })
    }
    await bench.put("KEY", "1")
    const url = "/v3/secrets/tags/KEY"
    const on = await bench.ok("POST", url, { tagSlugs: ["a", "b"] })
    expect(on.secret).toMatchObject({ version: 2, secretValue: "1" })
    expect(tagsOf(on.secret)).toEqual(["a", "b"])
    expect((await bench.ok("POST", url, { tagSlugs: ["b"] })).secret.version).toBe(2)
    const off = await bench.ok("DELETE", url, { tagSlugs: ["a"] })
    expect(off.secret.version).toBe(3)
    expect(tagsOf(off.secret)).toEqual(["b"])
    const unknown = await bench.call("POST", url, { tagSlugs: ["a", "nope"] })
    expect(unknown).toMatchObject({ status: 404, body: { message: "Tags with slugs 'nope' not found" } })
    expect((await bench.call("POST", "/v3/secrets/tags/NOPE", { tagSlugs: ["a"] })).status).toBe(404)
  })

  it("a tag that is deleted comes off its secrets, and the history keeps it", async () => {
    const bench = await make()
    const path = `/v1/projects/${bench.project}/tags`
    const { tag } = await bench.ok("POST", path, { slug: "team" })
    const { tag: kept } = await bench.ok("POST", path, { slug: "kept" })
    const { secret } = await bench.ok("POST", "/v4/secrets/A", {
      secretValue: "1",
      tagIds: [tag.id, kept.id],
    })
    await bench.read("A")
    await bench.ok("DELETE", `${path}/${tag.id}`)
    expect(tagsOf((await bench.read("A")).body.secret)).toEqual(["kept"])
    const { reader } = bench.instance.test.storage.database
    const rows = (table: "secret" | "secret_version") => reader.selectFrom(table).select("tags").execute()
    expect(await rows("secret")).toEqual([{ tags: JSON.stringify([kept.id]) }])
    expect(await rows("secret_version")).toEqual([{ tags: JSON.stringify([tag.id, kept.id]) }])
    const changed = await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
    expect(changed.secret).toMatchObject({ id: secret.id, version: 2 })
    expect(tagsOf(changed.secret)).toEqual(["kept"])
  })

  it("a tag that is deleted comes off wherever it stands among others", async () => {
    const bench = await make()
    const path = `/v1/projects/${bench.project}/tags`
    const [gone, x, y] = await Promise.all(
      ["gone", "x", "y"].map(
        async (slug): Promise<string> => (await bench.ok("POST", path, { slug })).tag.id,
      ),
    )
    const lists = {
      FIRST: [gone, x, y],
      MIDDLE: [x, gone, y],
      LAST: [x, y, gone],
      ALONE: [gone],
      NEVER: [y, x],
    }
    for (const [name, tagIds] of Object.entries(lists)) {
      await bench.ok("POST", `/v4/secrets/${name}`, { secretValue: "1", tagIds })
    }
    await bench.ok("DELETE", `${path}/${gone}`)
    const { reader } = bench.instance.test.storage.database
    const rows = await reader.selectFrom("secret").select(["key", "tags"]).execute()
    const left = rows.map(({ key, tags }) => [key, JSON.parse(tags)])
    expect(Object.fromEntries(left)).toEqual({
      FIRST: [x, y],
      MIDDLE: [x, y],
      LAST: [x, y],
      ALONE: [],
      NEVER: [y, x],
    })
  })
}
