import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, it } from "vitest"
import { withPreparationLock } from "./preparation-lock.ts"

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coffer-preparation-lock-"))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it("a lock whose holder was killed is free, and until then it is not", async () => {
  const path = join(folder, "preparation.lock")
  const module = fileURLToPath(new URL("./preparation-lock.ts", import.meta.url))
  const script = `
    import { withPreparationLock } from ${JSON.stringify(module)}
    await withPreparationLock(${JSON.stringify(path)}, () => {}, () => {
      process.stdout.write("holding")
      return new Promise((resolve) => setTimeout(resolve, 60_000))
    })`
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  await once(holder.stdout, "data")
  const order: string[] = []
  const mine = withPreparationLock(
    path,
    () => {
      order.push("waiting")
      holder.kill("SIGKILL")
    },
    async () => order.push("working"),
  )
  await mine
  expect(order).toEqual(["waiting", "working"])
})

it("the lock is free again after work that failed", async () => {
  const path = join(folder, "preparation.lock")
  const failing = withPreparationLock(
    path,
    () => {},
    () => Promise.reject(new Error("no luck")),
  )
  await expect(failing).rejects.toThrow("no luck")
  expect(
    await withPreparationLock(
      path,
      () => {},
      async () => "done",
    ),
  ).toBe("done")
})
