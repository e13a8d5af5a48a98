import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { secretRowName } from "../cache/index.ts"
import type { WriteScope } from "../db/database.ts"
import { removeSecrets } from "../features/secrets/tombstone-store.ts"
import { aWorkbench } from "./workbench.ts"

/** Deletions of all that a folder or an environment holds: prepared before the write, and carried out by it. */
export function describeLargeDeletions(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "deleting many secrets at once", (open) => {
    it("leaves a tombstone of each that says where it was and is signed for it, and empties the folder", async () => {
      const { bench, storage } = await aFullBench(await open())
      await bench.ok("DELETE", "/v2/folders/top", { path: "/", forceDelete: true })
      await expectTombstones(storage, ["KEY_0", "KEY_1", "KEY_2", "OTHER"])
      expect(await currentKeys(storage)).toEqual(["STAYS"])
    })

    it("takes what came between its preparation and its write", async () => {
      const { bench, storage, beforeNextWrite } = await aFullBench(await open())
      beforeNextWrite(async () => {
        await bench.put("LATE", "1", "/top/below")
        await bench.ok("PATCH", "/v4/secrets/KEY_0", { secretPath: "/top", secretValue: "2" })
      })
      await bench.ok("DELETE", "/v2/folders/top", { path: "/", forceDelete: true })
      await expectTombstones(storage, ["KEY_0", "KEY_1", "KEY_2", "LATE", "OTHER"])
      expect(await currentKeys(storage)).toEqual(["STAYS"])
    })

    it("fails as a whole when a secret is not what it was when its tombstone was made", async () => {
      const { bench, storage } = await aFullBench(await open())
      const { database } = storage
      const rows = await database.reader
        .selectFrom("secret")
        .select(["id", "version"])
        .orderBy("key")
        .execute()
      const by = { projectId: bench.project, revision: 99, actorType: "user", actorId: "somebody", now: 1 }
      const removing = (changed: (version: number, index: number) => number) =>
        database.write(({ db }) => {
          const tombstones = rows.map(({ id, version }, index) => {
            return { id, version: changed(version, index), rowMac: Buffer.alloc(32) }
          })
          return removeSecrets(db, tombstones, by)
        })
      await expect(removing((version, index) => version + (index === 2 ? 2 : 1))).rejects.toThrow(
        "not what they were when their tombstones were made",
      )
      expect(await currentKeys(storage)).toHaveLength(rows.length)
      await expectTombstones(storage, [])
      await removing((version) => version + 1)
      expect(await currentKeys(storage)).toEqual([])
    })

    it("tells the database how many rows it writes, and so does bringing them back: it may take longer than other writes", async () => {
      const { bench, rowsTold } = await aFullBench(await open())
      const { environments } = (await bench.ok("GET", `/v1/projects/${bench.project}`)).project
      const { id } = environments.find(({ slug }: { slug: string }) => slug === "prod")
      await bench.ok("DELETE", `/v1/projects/${bench.project}/environments/${id}`)
      expect(rowsTold).toEqual([5])
      const restore = `/coffer/v1/projects/${bench.project}/trash/restore`
      await bench.ok("POST", restore, { kind: "environment", id })
      expect(rowsTold).toEqual([5, 5])
    })
  })
}

/** Four secrets below a folder and one beside it, on a database whose writes can be listened to. */
async function aFullBench(storage: TestStorage) {
  const rowsTold: number[] = []
  let before: (() => Promise<void>) | undefined
  const write = async <T>(work: (scope: WriteScope) => Promise<T>): Promise<T> => {
    const first = before
    before = undefined
    await first?.()
    return await storage.database.write((scope) => {
      const expectRows = (count: number) => {
        rowsTold.push(count)
        scope.expectRows(count)
      }
      return work({ ...scope, db: scope.db, expectRows })
    })
  }
  const database = new Proxy(storage.database, {
    get: (target, name) => {
      if (name === "write") return write
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === "function" ? value.bind(target) : value
    },
  })
  const bench = await aWorkbench({ ...storage, database })
  await bench.ok("POST", "/v2/folders", { name: "below", path: "/top" })
  for (const key of ["KEY_0", "KEY_1", "KEY_2"]) await bench.put(key, "1", "/top")
  await bench.put("OTHER", "1", "/top/below")
  await bench.put("STAYS", "1")
  return { bench, storage, rowsTold, beforeNextWrite: (run: () => Promise<void>) => (before = run) }
}

async function expectTombstones({ database, keyring }: TestStorage, keys: readonly string[]): Promise<void> {
  const versions = await database.reader.selectFrom("secret_version").selectAll().orderBy("key").execute()
  const tombstones = versions.filter(({ op }) => op === "delete")
  expect(tombstones.map(({ key }) => key)).toEqual(keys)
  for (const tombstone of tombstones) {
    const { secret_id: id, row_mac, version, environment_id, folder_id } = tombstone
    expect(keyring.isSecretRowMac(secretRowName({ ...tombstone, id }), row_mac)).toBe(true)
    expect(tombstone).toMatchObject({ value_sealed: null, comment_sealed: null, metadata: "[]" })
    const last = versions.find((one) => one.secret_id === id && one.version === version - 1)
    expect(last).toMatchObject({ environment_id, folder_id })
  }
}

async function currentKeys({ database }: TestStorage): Promise<readonly string[]> {
  const rows = await database.reader.selectFrom("secret").select("key").orderBy("key").execute()
  return rows.map(({ key }) => key)
}
