import { describeDatabase } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { type Operation, operation, perform } from "./random-history.ts"
import { TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

/** So many that a few changes among them are followed; in UTF-16 the last two would be the other way round. */
const others = [...Array.from({ length: 14 }, (_, index) => `B_${index + 10}`), "\ufb00", "\u{1f511}"]
const other = fc.constantFrom(...others)

type Step =
  | Operation
  | { readonly does: "look" }
  | { readonly does: "make"; readonly key: string; readonly path: string }
  | { readonly does: "remove"; readonly key: string; readonly path: string }

const path = fc.constantFrom("/", "/x")
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: operation },
  { weight: 3, arbitrary: fc.constant({ does: "look" as const }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("make" as const), key: other, path }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("remove" as const), key: other, path }) },
)

async function fillFolder(bench: Workbench, secretPath: string): Promise<void> {
  const secrets = others.map((secretKey) => ({ secretKey, secretValue: "first" }))
  await bench.ok("POST", "/v4/secrets/batch", { secretPath, secrets })
}

/** What a server that followed every change answers, and one that was started just now. */
async function look(bench: Workbench): Promise<void> {
  const url = `/v4/secrets?projectId=${bench.project}&environment=prod&recursive=true`
  const { test, adminToken: token } = bench.instance
  const later = await new TestApp(test.storage).ok("GET", url, { token })
  expect(await test.ok("GET", url, { token })).toEqual(later)
}

async function take(bench: Workbench, one: Step): Promise<void> {
  if (one.does === "look") return await look(bench)
  if (one.does === "make" || one.does === "remove") {
    const [method, body] = one.does === "make" ? ["POST", { secretValue: "again" }] : ["DELETE", {}]
    const url = `/v4/secrets/${encodeURIComponent(one.key)}`
    await bench.call(method as string, url, { secretPath: one.path, ...(body as object) })
    return
  }
  await perform(bench, one)
}

/** Servers keep what they read, and read again only what changed. */
export function describeFollowing(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "a server that followed changes", (open) => {
    it("answers as one that was started just now, in the same order", async () => {
      const bench = await aWorkbench(await open())
      let runs = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16 }), async (steps) => {
          runs += 1
          const there = await bench.another(`run-${runs}`)
          await fillFolder(there, "/")
          await there.folder("/x")
          await fillFolder(there, "/x")
          await look(there)
          for (const one of steps) await take(there, one)
          await look(there)
        }),
        { numRuns: kind === "sqlite" ? 40 : 20 },
      )
    })
  })
}
