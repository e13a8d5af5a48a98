import fc from "fast-check"
import { expect, it } from "vitest"
import { aReader, readSecrets } from "./a-reader.ts"
import { aProject, aSecret } from "./test-app.ts"
import type { Workbench } from "./workbench.ts"

type Graph = {
  readonly values: readonly string[]
  readonly imports: readonly (readonly [number, number])[]
  readonly closed: readonly number[]
}

const folders = ["/a", "/b", "/c"] as const
const keys = ["K", "L"] as const
const cells = folders.flatMap((path) => keys.map((key) => ({ path, key })))

/** Random values that refer to each other, random imports between their folders, random secrets nobody may read. */
const graphs = fc.record<Graph>({
  values: fc.array(
    fc
      .array(
        fc.constantFrom("${K}", "${L}", "${M}", "${a.K}", "${prod.b.L}", "${prod.c.K}", "${nope.K}", "x"),
        {
          maxLength: 3,
        },
      )
      .map((parts) => parts.join("-")),
    { minLength: cells.length, maxLength: cells.length },
  ),
  imports: fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { maxLength: 4 }),
  closed: fc.uniqueArray(fc.nat(cells.length - 1), { maxLength: 2 }),
})

/** References at random, compared with a model that is too simple to be wrong in the same way. */
export function describeReferenceGraphs(make: () => Promise<Workbench>): void {
  it("expansion of random graphs ends, never leaks what may not be read, and equals a naive model", async () => {
    const bench = await make()
    const { instance } = bench
    const { test, adminToken } = instance
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        const { id: project } = await aProject(instance)
        const secretOf = (index: number) => `s${index}-${graph.values[index] ?? ""}`
        for (const path of folders) {
          const body = { workspaceId: project, environment: "prod", name: path.slice(1) }
          await test.ok("POST", "/v1/folders", { token: adminToken, body })
        }
        for (const [index, { path, key }] of cells.entries()) {
          await aSecret(instance, { project, key, value: secretOf(index), path })
        }
        const imports = new Map<string, string[]>()
        for (const [to, from] of graph.imports) {
          const [into = "", source = ""] = [folders[to], folders[from]]
          const known = imports.get(into) ?? []
          if (into === source || known.includes(source)) continue
          imports.set(into, [...known, source])
          const body = { projectId: project, environment: "prod", path: into }
          const made = { ...body, import: { environment: "prod", path: source } }
          await test.ok("POST", "/v2/secret-imports", { token: adminToken, body: made })
        }
        const closed = graph.closed.flatMap((index) => cells[index] ?? [])
        const denies = closed.map(({ path, key }) => ({
          ...readSecrets({ secretPath: path, secretName: key }),
          inverted: true,
        }))
        const { token } = await aReader(instance, project, [readSecrets(), ...denies])
        const values = cells.map((_, at) => secretOf(at))
        for (const [index, { path, key }] of cells.entries()) {
          const expected = model({ values, imports, closed }, index)
          const url = `/v4/secrets/${key}?projectId=${project}&environment=prod&secretPath=${path}&includeImports=false`
          const answer = await test.call("GET", url, { token })
          if (expected === undefined) expect(answer.status, url).toBe(403)
          else expect(answer.body.secret?.secretValue, url).toBe(expected)
          for (const one of closed)
            expect(answer.text).not.toContain(secretOf(cells.indexOf(one)).slice(0, 3))
        }
        for (const path of folders) {
          const indices = cells.flatMap((cell, index) =>
            cell.path === path && !closed.includes(cell) ? [index] : [],
          )
          const expected = indices.map((index) => model({ values, imports, closed }, index))
          const url = `/v4/secrets?projectId=${project}&environment=prod&secretPath=${path}&includeImports=false`
          const answer = await test.call("GET", url, { token })
          const shown = answer.body.secrets?.map((one: { secretValue: string }) => one.secretValue)
          if (expected.includes(undefined)) expect(answer.status, url).toBe(403)
          else if (indices.length > 0) expect(shown, url).toEqual(expected)
        }
      }),
      { numRuns: 25 },
    )
  })
}

type World = {
  readonly values: readonly string[]
  readonly imports: ReadonlyMap<string, readonly string[]>
  readonly closed: readonly { readonly path: string; readonly key: string }[]
}

/** What a value becomes by the letter of the rules; `undefined` when it may not be read. */
function model(world: World, start: number): string | undefined {
  const isClosed = (path: string, key: string) =>
    world.closed.some((one) => one.path === path && one.key === key)
  const indexOf = (path: string, key: string) =>
    cells.findIndex((one) => one.path === path && one.key === key)
  const sources = (of: string, seen: Set<string>): [string, string[]][] =>
    (world.imports.get(of) ?? []).flatMap((source) => {
      if (seen.has(source)) return []
      seen.add(source)
      const below = sources(source, seen).map(([one, through]): [string, string[]] => [
        one,
        [...through, source],
      ])
      return [[source, []] as [string, string[]], ...below]
    })
  const importedBy = (path: string) =>
    (world.imports.get(path) ?? []).flatMap((source) => {
      const seen = new Set([path, source])
      const below = sources(source, seen).map(([one, through]): [string, string[]] => [
        one,
        [...through, source],
      ])
      return [[source, []] as [string, string[]], ...below]
    })
  const find = (places: readonly string[], key: string): { index: number; places: string[] } | undefined => {
    for (const [at, path] of places.entries()) {
      const after = places.slice(at + 1)
      if (indexOf(path, key) !== -1) return { index: indexOf(path, key), places: [path, ...after] }
      for (const [source, through] of importedBy(path)) {
        const index = indexOf(source, key)
        if (index !== -1) return { index, places: [source, ...through, path, ...after] }
      }
    }
    return undefined
  }
  let isRefused = false
  const expand = (index: number, places: readonly string[], chain: readonly number[]): string =>
    (world.values[index] ?? "").replaceAll(/\$\{([^}]+)\}/g, (_, inner: string) => {
      if (chain.length > 10) return ""
      const names = inner.split(".").filter((name) => name !== "prod")
      const key = names.at(-1) ?? ""
      const where = names.length === 1 ? places : [`/${names[0]}`]
      const found = folders.includes(where[0] as "/a") ? find(where, key) : undefined
      if (found === undefined) return ""
      const cell = cells[found.index]
      if (cell !== undefined && isClosed(cell.path, cell.key)) isRefused = true
      return chain.includes(found.index) ? "" : expand(found.index, found.places, [...chain, found.index])
    })
  const cell = cells[start]
  if (cell === undefined || isClosed(cell.path, cell.key)) return undefined
  const value = expand(start, [cell.path], [start])
  return isRefused ? undefined : value
}
