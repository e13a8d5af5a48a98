/** Lists of more secrets than a call takes arguments, on both databases. */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { secretRowName } from "../../../cache/index.ts"
import type { SecretTable } from "../../../db/schema.ts"
import { insertProject } from "../../../db/testing/rows.ts"
import { listOverrides } from "../override-store.ts"
import { listSecretsInFolders } from "../store.ts"

/** Node takes some 120,000 arguments: whoever hands a list on as arguments fails with one that is longer. */
const many = 130_000
/** As many keys as one statement asks for. */
const keys = Array.from({ length: 500 }, (_, index) => `KEY_${index}`)
const perStatement = 1_000
const perWrite = 10

const place = { project_id: "project-1", environment_id: "environment-1", folder_id: "folder-1" }
const at = { projectId: "project-1", folderId: "folder-1", folderIds: ["folder-1"] }

function rowOf({ keyring }: TestStorage, number: number): SecretTable {
  const userId = `user-${Math.floor(number / keys.length)}`
  const row = {
    ...place,
    id: `secret-${number}`,
    key: keys[number % keys.length] ?? "",
    type: "personal" as const,
    user_id: userId,
    version: 1,
    revision: 1,
    value_sealed: Buffer.of(1),
    comment_sealed: null,
    skip_multiline_encoding: null,
    reminder_note: null,
    reminder_repeat_days: null,
    metadata: "[]",
    tags: "[]",
    actor_type: "user",
    actor_id: userId,
    created_at: 1,
    updated_at: 1,
  }
  return { ...row, row_mac: keyring.secretRowMac(secretRowName(row)) }
}

async function openWith(open: OpenTestStorage): Promise<TestStorage> {
  const storage = await open()
  const { database } = storage
  const times = { created_at: 1, updated_at: 1 }
  await database.write(async ({ db }) => {
    await insertProject(db)
    const environment = { id: place.environment_id, name: "dev", slug: "dev", position: 1, ...times }
    await db
      .insertInto("environment")
      .values({ ...environment, project_id: place.project_id })
      .execute()
    const folder = { id: place.folder_id, parent_id: null, name: "root", description: null, ...times }
    const { project_id, environment_id } = place
    await db
      .insertInto("folder")
      .values({ ...folder, project_id, environment_id, version: 1, revision: 1 })
      .execute()
  })
  for (let from = 0; from < many; from += perStatement * perWrite) {
    await database.write(async ({ db }) => {
      for (let start = from; start < from + perStatement * perWrite; start += perStatement) {
        const numbers = Array.from({ length: perStatement }, (_, index) => start + index)
        const rows = numbers.map((number) => rowOf(storage, number))
        await db.insertInto("secret").values(rows).execute()
      }
    })
  }
  return storage
}

export function longListsConformance(open: OpenTestStorage): void {
  it("everybody's overrides of a folder's secrets are listed, however many there are, and so is the folder", async () => {
    const storage = await openWith(open)
    const { reader } = storage.database
    const everybodys = await listOverrides(reader, storage.keyring, { ...at, keys })
    expect(everybodys).toHaveLength(many)
    expect(await listSecretsInFolders(reader, storage.keyring, at)).toHaveLength(many)
  }, 120_000)
}
