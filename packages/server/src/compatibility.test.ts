import { readFileSync } from "node:fs"
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { TestApp } from "./testing/test-app.ts"

const page = readFileSync(new URL("../../../docs/compatibility.md", import.meta.url), "utf8")

/** Rows of the page's tables: methods and path, state, the test that proves it. */
const rows = [...page.matchAll(/^\| ([A-Z, ]+) `(\/api\/[^`]+)` \| (\w+) \| ([^|]+) \|/gm)].flatMap(
  ([, methods = "", path = "", state = "", proof = ""]) =>
    methods.split(", ").map((method) => ({ route: `${method} ${path}`, state, proof })),
)
const isOfTheContract = (route: string) => /^\S+ \/api\/(v[1-4]\/|status$)/.test(route)

describeDatabase("sqlite", "docs/compatibility.md", (open) => {
  const servedRoutes = async () => {
    const { app } = new TestApp(await open())
    await app.http.ready()
    return new Set(app.catalogue.map(({ method, url }) => `${method} ${url}`))
  }

  it("names every route of the contract that is served, once", async () => {
    const served = [...(await servedRoutes())].filter(isOfTheContract)
    expect(served.length).toBeGreaterThan(100)
    const named = rows.filter(({ state }) => state === "served").map(({ route }) => route)
    expect(served.filter((route) => !named.includes(route))).toEqual([])
    expect(named.filter((route, index) => named.indexOf(route) !== index)).toEqual([])
  })

  it("calls served what is served, and nothing else", async () => {
    const served = await servedRoutes()
    const wrong = rows.filter(({ route, state }) => served.has(route) !== (state === "served"))
    expect(wrong.map(({ route }) => route)).toEqual([])
  })

  it("names a test for every route that is served", async () => {
    const proofs = new Set(rows.filter(({ state }) => state === "served").map(({ proof }) => proof.trim()))
    const files = [...proofs].flatMap((proof) =>
      [...proof.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file),
    )
    expect(files.length).toBeGreaterThan(5)
    const read = (file: string) => () => readFileSync(new URL(file, import.meta.url))
    for (const file of files) expect(read(file), file).not.toThrow()
    expect([...proofs].filter((proof) => !proof.includes("`"))).toEqual([])
  })
})
