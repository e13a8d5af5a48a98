import { expect, it } from "vitest"
import type { Workbench } from "./workbench.ts"

const deepest = 64
/** A path of so many folders below the root. */
const pathOf = (depth: number, top = "d") => `/${top}${"/a".repeat(depth - 1)}`
const tooDeep = expect.stringMatching(/would lie more than 64 levels below the root/)
const tooLong = expect.stringMatching(/path of more than 2048 characters/)

const own = (bench: Workbench) => `/coffer/v1/projects/${bench.project}`

function move(bench: Workbench, destinationPath: string) {
  const to = { destinationEnvironment: "prod", destinationPath }
  return bench.call("POST", `${own(bench)}/folders/move`, { path: "/d", ...to })
}

/** A folder lies at most so deep, by whatever way it comes there. */
export function describeFolderPaths(make: () => Promise<Workbench>): void {
  it("is made with all above it down to the limit, and no deeper, however long the path", async () => {
    const bench = await make()
    await bench.folder(pathOf(deepest))
    await bench.put("LEAF", "kept", pathOf(deepest))
    for (const depth of [deepest + 1, deepest + 2]) {
      const refused = await bench.call("POST", "/v1/folders", { name: "x", path: pathOf(depth - 1, "e") })
      expect({ depth, status: refused.status, message: refused.body.message }).toEqual({
        depth,
        status: 400,
        message: tooDeep,
      })
    }
    const endless = await bench.call("POST", "/v1/folders", { name: "x", path: pathOf(20_000, "e") })
    expect(endless).toMatchObject({ status: 400, body: { message: tooLong } })
    const below = await bench.call("POST", "/v1/folders", { name: "x", path: pathOf(deepest) })
    expect(below).toMatchObject({ status: 400, body: { message: tooDeep } })
    const { folders } = await bench.ok(
      "GET",
      `/v2/folders?projectId=${bench.project}&environment=prod&path=/`,
    )
    expect(folders.map((one: { name: string }) => one.name)).toEqual(["d"])
    const leaf = await bench.read("LEAF", `&secretPath=${pathOf(deepest)}`)
    expect(leaf.body.secret.secretValue).toBe("kept")
  })

  it("has a path of bounded length, also when a folder above it gets a longer name", async () => {
    const bench = await make()
    const names = Array.from({ length: 8 }, () => "n".repeat(250))
    const path = `/${names.join("/")}`
    await bench.folder(path)
    const name = "m".repeat(40)
    expect(await bench.call("POST", "/v1/folders", { name, path })).toMatchObject({
      status: 400,
      body: { message: tooLong },
    })
    await bench.ok("POST", "/v1/folders", { name: name.slice(1), path })
    const longer = "n".repeat(251)
    const renamed = await bench.call("PATCH", `/v1/folders/${names[0]}`, { path: "/", name: longer })
    expect(renamed).toMatchObject({ status: 400, body: { message: tooLong } })
    await bench.ok("PATCH", `/v1/folders/${names[0]}`, { path: "/", name: "n" })
  })

  it("takes as many secrets at once as their event has room for", async () => {
    const bench = await make()
    const path = `/${Array.from({ length: 8 }, () => "n".repeat(250)).join("/")}`
    await bench.folder(path)
    const batch = (count: number) => {
      const secrets = Array.from({ length: count }, (_, n) => ({
        secretKey: `${n}`.padStart(490, "K"),
        secretValue: "v",
      }))
      return bench.call("POST", "/v4/secrets/batch", { secretPath: path, secrets })
    }
    expect(await batch(600)).toMatchObject({
      status: 400,
      body: {
        message: expect.stringMatching(
          /audit event 'create-secrets' of this request .*; ask for less at once/,
        ),
      },
    })
    expect((await bench.list("&recursive=true")).body.secrets).toEqual([])
    expect((await batch(300)).status).toBe(200)
  })

  it("is not moved or copied so far down that something below it would lie deeper", async () => {
    const bench = await make()
    await bench.folder(pathOf(deepest - 1))
    await bench.put("LEAF", "kept", pathOf(deepest - 1))
    await bench.folder("/one/two")
    expect(await move(bench, "/one/two")).toMatchObject({ status: 400, body: { message: tooDeep } })
    const copied = await bench.call("POST", `${own(bench)}/secrets/copy`, {
      sourceEnvironment: "prod",
      sourceSecretPath: "/d",
      destinationEnvironment: "prod",
      destinationSecretPath: "/one/two/three",
      recursive: true,
    })
    expect(copied).toMatchObject({ status: 400, body: { message: tooDeep } })
    expect((await move(bench, "/one")).status).toBe(200)
    const leaf = await bench.read("LEAF", `&secretPath=/one${pathOf(deepest - 1)}`)
    expect(leaf.body.secret.secretValue).toBe("kept")
  })

  it("does not come back from the trash below a folder that was moved further down", async () => {
    const bench = await make()
    const above = pathOf(deepest - 2)
    await bench.folder(`${above}/leaf`)
    const { folder } = await bench.ok("POST", "/v1/folders", { name: "leaf", path: above })
    await bench.ok("DELETE", "/v1/folders/leaf", { path: above })
    await bench.folder("/one/two")
    expect((await move(bench, "/one/two")).status).toBe(200)
    const restored = await bench.call("POST", `${own(bench)}/trash/restore`, {
      kind: "folder",
      id: folder.id,
    })
    expect(restored.status).toBe(409)
    expect(restored.body.message).toEqual(tooDeep)
  })
}
