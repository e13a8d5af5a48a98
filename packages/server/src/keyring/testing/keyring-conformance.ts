import { inspect } from "node:util"
import { keyIdOf, unwrapKey } from "@coffer/envelope"
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { SignJWT } from "jose"
import { expect, it } from "vitest"
import type { Writer } from "../../db/database.ts"
import { insertProject } from "../../db/testing/rows.ts"
import { Secret } from "../../secret.ts"
import { uuidBytes } from "../../uuid.ts"
import type { ProjectSealer } from "../keyring.ts"
import { openKeyring } from "../open-keyring.ts"
import { findRootKey } from "../root-key-source.ts"

const address = { orgId: "org-1", projectId: "project-1", recordId: "secret-1", version: 1, field: "value" }
const row = { secretId: "secret-1", folderId: "folder-1", key: "KEY", version: 1, revision: 1 }

/** What a keyring has to do on every database. */
export function keyringConformance(open: OpenTestStorage): void {
  sealing(open)
  wrapping(open)
  macs(open)
  tokens(open)
  starts(open)
}

async function createProject({ database, keyring }: TestStorage, id = "project-1"): Promise<ProjectSealer> {
  return database.write(async ({ db }) => {
    await insertProject(db, id)
    return keyring.createProjectKey(db, id)
  })
}

function reopen(storage: TestStorage, config: Partial<Parameters<typeof openKeyring>[1]> = {}) {
  const { database, clock, random, log, dataFolder } = storage
  return openKeyring(database, { dataFolder, ...config }, { clock, random, log })
}

function sealing(open: OpenTestStorage): void {
  it("opens what it sealed, after a restart as well", async () => {
    const storage = await open()
    const sealer = await createProject(storage)
    const texts = ["", "hello-from-infisical", "\ufeffwith a mark", "several\nlines 🔑", "x".repeat(100_000)]
    const sealed = texts.map((text) => sealer.seal(address, text))
    const keyring = await reopen(storage)
    const again = await keyring.forProject("project-1")
    expect(sealed.map((bytes) => again.open(address, bytes))).toEqual(texts)
  })

  it("a ciphertext that was moved does not open, nor under another name", async () => {
    const storage = await open()
    const sealer = await createProject(storage)
    const sealed = sealer.seal(address, "value")
    const elsewhere = [
      { ...address, orgId: "org-2" },
      { ...address, recordId: "secret-2" },
      { ...address, version: 2 },
      { ...address, field: "comment" },
    ]
    for (const place of elsewhere) {
      expect(() => sealer.open(place, sealed)).toThrow("A sealed value can't be opened")
    }
  })

  it("a field outside of projects opens after a restart, and nowhere but in its own record", async () => {
    const { keyring, ...storage } = await open()
    const place = { orgId: "org-1", recordId: "user-1", field: "user:totp" }
    const sealed = keyring.records.seal(place, "second factor")
    const again = await reopen({ ...storage, keyring })
    expect(again.records.open(place, sealed)).toBe("second factor")
    for (const moved of [{ orgId: "org-2" }, { recordId: "user-2" }, { field: "user:recovery" }]) {
      expect(() => again.records.open({ ...place, ...moved }, sealed)).toThrow(
        "A sealed value can't be opened",
      )
    }
  })

  it("a ciphertext of another project does not open", async () => {
    const storage = await open()
    const sealed = (await createProject(storage)).seal(address, "value")
    const other = await createProject(storage, "project-2")
    expect(() => other.open({ ...address, projectId: "project-2" }, sealed)).toThrow("can't be opened")
    expect(() => other.open(address, sealed)).toThrow()
  })

  it("text without a UTF-8 form is refused instead of changed", async () => {
    const sealer = await createProject(await open())
    expect(() => sealer.seal(address, "lone \ud800 surrogate")).toThrow(/well-formed/)
  })

  it("a project without a key is unavailable, and found once it has one", async () => {
    const storage = await open()
    await expect(storage.keyring.forProject("project-1")).rejects.toMatchObject({ kind: "unavailable" })
    const sealed = (await createProject(storage)).seal(address, "value")
    expect((await storage.keyring.forProject("project-1")).open(address, sealed)).toBe("value")
    expect(storage.keyring.forProject("project-1")).toBe(storage.keyring.forProject("project-1"))
  })

  it("a data key that was moved to another project does not open", async () => {
    const storage = await open()
    await createProject(storage)
    await storage.database.write(async ({ db }) => {
      await insertProject(db, "project-2")
      await db.updateTable("project_data_key").set({ project_id: "project-2" }).execute()
    })
    await expect(storage.keyring.forProject("project-2")).rejects.toMatchObject({
      code: "ProjectKeyUnreadable",
    })
  })

  it("a project goes on under a newer data key, and opens what an older one sealed", async () => {
    const storage = await open()
    const { database, keyring, clock } = storage
    const sealed = (await createProject(storage)).seal(address, "older")
    const retire = (db: Writer) => db.updateTable("project_data_key").set({ retired_at: 1 }).execute()
    await database.write(({ db }) => retire(db))
    const withoutActive = await reopen(storage)
    await expect(withoutActive.forProject("project-1")).rejects.toMatchObject({
      code: "ProjectKeyUnreadable",
    })
    // The clock may have been set back between the two.
    clock.advance(-1_000)
    await database.write(({ db }) => keyring.createProjectKey(db, "project-1"))
    const sealer = await (await reopen(storage)).forProject("project-1")
    expect(sealer.open(address, sealed)).toBe("older")
    const active = await database.reader
      .selectFrom("project_data_key")
      .select("id")
      .where("retired_at", "is", null)
      .executeTakeFirstOrThrow()
    const again = sealer.seal(address, "newer")
    expect(keyIdOf(again)).toEqual(uuidBytes(active.id))
    expect(sealer.open(address, again)).toBe("newer")
  })

  it("keys of the keyring that were retired are replaced, and open what they sealed", async () => {
    const storage = await open()
    const { database } = storage
    const place = { orgId: "org-1", recordId: "user-1", field: "user:totp" }
    const sealed = storage.keyring.records.seal(place, "older")
    const value = (await createProject(storage)).seal(address, "value")
    await database.write(({ db }) =>
      db
        .updateTable("keyring_key")
        .set({ retired_at: 1 })
        .where("purpose", "in", ["wrapping", "record-sealing"])
        .execute(),
    )
    const keyring = await reopen(storage)
    expect(keyring.records.open(place, sealed)).toBe("older")
    expect((await keyring.forProject("project-1")).open(address, value)).toBe("value")
    const active = await database.reader
      .selectFrom("keyring_key")
      .select(["id", "purpose"])
      .where("retired_at", "is", null)
      .execute()
    const idOf = (purpose: string) => active.find((key) => key.purpose === purpose)?.id ?? ""
    expect(keyIdOf(keyring.records.seal(place, "newer"))).toEqual(uuidBytes(idOf("record-sealing")))
    await database.write(({ db }) => insertProject(db, "project-2"))
    await database.write(({ db }) => keyring.createProjectKey(db, "project-2"))
    const { wrapping_key_id: used } = await database.reader
      .selectFrom("project_data_key")
      .select("wrapping_key_id")
      .where("project_id", "=", "project-2")
      .executeTakeFirstOrThrow()
    expect(used).toBe(idOf("wrapping"))
  })

  it("no key of the keyring or of a project stands in the database", async () => {
    const storage = await open()
    await createProject(storage)
    const { reader } = storage.database
    const wrapped = [
      ...(await reader.selectFrom("keyring_key").select("wrapped_key").execute()),
      ...(await reader.selectFrom("project_data_key").select("wrapped_key").execute()),
    ]
    expect(wrapped).toHaveLength(7)
    for (const { wrapped_key: bytes } of wrapped) expect(bytes.length).toBe(32 + 45)
  })
}

function wrapping(open: OpenTestStorage): void {
  it("a key of the keyring opens in its own row and for its own purpose alone", async () => {
    const storage = await open()
    const rootKey = findRootKey(storage)?.rootKey
    const rows = await storage.database.reader.selectFrom("keyring_key").selectAll().execute()
    for (const { id, purpose, wrapped_key: wrapped } of rows) {
      expect(rootKey?.unwrap(["keyring", id, purpose], wrapped)).toHaveLength(32)
    }
    const [one, other] = rows
    await storage.database.write(async ({ db }) => {
      const update = (id = "", wrapped: Uint8Array = new Uint8Array()) =>
        db.updateTable("keyring_key").set({ wrapped_key: wrapped }).where("id", "=", id).execute()
      await update(one?.id, other?.wrapped_key)
      await update(other?.id, one?.wrapped_key)
    })
    await expect(reopen(storage)).rejects.toThrow(
      `A key of this database's keyring is damaged: it does not open under the root key ${rootKey?.fingerprint}`,
    )
  })

  it("a data key is wrapped for its project and its own row", async () => {
    const storage = await open()
    await createProject(storage)
    const { reader } = storage.database
    const keys = await reader.selectFrom("keyring_key").selectAll().execute()
    const [row] = await reader.selectFrom("project_data_key").selectAll().execute()
    const wrapping = keys.find(({ id }) => id === row?.wrapping_key_id)
    const place = ["keyring", wrapping?.id ?? "", "wrapping"]
    const wrappingKeyBytes = findRootKey(storage)?.rootKey.unwrap(
      place,
      wrapping?.wrapped_key ?? new Uint8Array(),
    )
    const unwrapped = unwrapKey(
      () => wrappingKeyBytes,
      ["project-data-key", "project-1", row?.id ?? ""],
      row?.wrapped_key ?? new Uint8Array(),
    )
    expect(unwrapped).toHaveLength(32)
  })

  it("a project seals under a key of its own, and opens nothing that another one's key sealed", async () => {
    const storage = await open()
    const [one, other] = [await createProject(storage), await createProject(storage, "project-2")]
    const ids = await storage.database.reader
      .selectFrom("project_data_key")
      .select(["id", "project_id"])
      .execute()
    const foreign = other.seal({ ...address, projectId: "project-2" }, "value")
    const keyring = await reopen(storage)
    for (const { id, project_id: projectId } of ids) {
      const sealed = (await keyring.forProject(projectId)).seal({ ...address, projectId }, "value")
      expect(keyIdOf(sealed)).toEqual(uuidBytes(id))
    }
    expect(keyIdOf(foreign)).not.toEqual(keyIdOf(one.seal(address, "value")))
    // As if the whole project had been copied under the other one's name: the key is missing there.
    const first = await keyring.forProject("project-1")
    expect(() => first.open({ ...address, projectId: "project-1" }, foreign)).toThrow("can't be opened")
  })
}

function macs(open: OpenTestStorage): void {
  it("the MAC of a row refuses every other row", async () => {
    const { keyring } = await open()
    const mac = keyring.secretRowMac(row)
    expect(mac).toHaveLength(32)
    expect(keyring.isSecretRowMac(row, mac)).toBe(true)
    const others = [
      { ...row, key: "OTHER" },
      { ...row, folderId: "folder-2" },
      { ...row, secretId: "secret-2" },
      { ...row, version: 2 },
      { ...row, revision: 2 },
      { ...row, folderId: "folder-1K", key: "EY" },
    ]
    for (const other of others) expect(keyring.isSecretRowMac(other, mac)).toBe(false)
    expect(keyring.isSecretRowMac(row, mac.subarray(1))).toBe(false)
  })

  it("hashes of credentials differ by purpose and by instance", async () => {
    const { keyring } = await open()
    const { keyring: other } = await open()
    const hash = keyring.credentialHash("client-secret", "clear")
    expect(hash).toHaveLength(32)
    expect(keyring.credentialHash("client-secret", "clear")).toEqual(hash)
    expect(keyring.credentialHash("setup-token", "clear")).not.toEqual(hash)
    expect(other.credentialHash("client-secret", "clear")).not.toEqual(hash)
  })
}

function tokens(open: OpenTestStorage): void {
  it("verifies the tokens it signed, whatever their expiry", async () => {
    const { keyring } = await open()
    const claims = { identityId: "identity-1", exp: 1, iat: 0 }
    const token = keyring.signToken(claims)
    expect(await keyring.verifyToken(token)).toEqual(claims)
    expect(JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString())).toEqual({
      alg: "HS256",
      typ: "JWT",
    })
  })

  it("refuses a token with any byte changed, and anything that is no token", async () => {
    const { keyring } = await open()
    const token = keyring.signToken({ identityId: "identity-1" })
    const [header, payload, signature] = token.split(".")
    const other = Buffer.from('{"identityId":"identity-2"}').toString("base64url")
    const forged = [
      `${header}.${other}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      "",
      "a.b.c",
      "....",
      `${token}x`,
    ]
    for (const each of forged) expect(await keyring.verifyToken(each)).toBeUndefined()
  })

  it("refuses every algorithm but HS256", async () => {
    const storage = await open()
    const authSecret = "shared secret of many characters"
    const keyring = await reopen(storage, { authSecret: new Secret(authSecret) })
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from("{}").toString("base64url")}.`
    expect(await keyring.verifyToken(unsigned)).toBeUndefined()
    const hs512 = await new SignJWT({}).setProtectedHeader({ alg: "HS512" }).sign(Buffer.alloc(64, 1))
    expect(await keyring.verifyToken(hs512)).toBeUndefined()
  })

  it("AUTH_SECRET signs tokens: changing it ends them, and no data", async () => {
    const storage = await open()
    const first = await reopen(storage, { authSecret: new Secret("first secret") })
    const second = await reopen(storage, { authSecret: new Secret("second secret") })
    const token = first.signToken({ identityId: "identity-1" })
    expect(await second.verifyToken(token)).toBeUndefined()
    expect(await storage.keyring.verifyToken(token)).toBeUndefined()
    expect(
      await (await reopen(storage, { authSecret: new Secret("first secret") })).verifyToken(token),
    ).toBeDefined()
    expect(second.secretRowMac(row)).toEqual(first.secretRowMac(row))
  })
}

function starts(open: OpenTestStorage): void {
  it("two processes that start at once agree on one keyring", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => db.deleteFrom("keyring_key").execute())
    const keyrings = await Promise.all([reopen(storage), reopen(storage), reopen(storage)])
    const [first, ...others] = keyrings.map((keyring) =>
      Buffer.from(keyring.secretRowMac(row)).toString("hex"),
    )
    expect(others).toEqual([first, first])
    expect(await storage.database.reader.selectFrom("keyring_key").select("id").execute()).toHaveLength(6)
  })

  it("refuses another root key and names the fingerprints of both", async () => {
    const storage = await open()
    const needed = storage.log.entries.find((entry) => entry.level === "warn")?.fields
    const rootEncryptionKey = new Secret(Buffer.alloc(32, 9).toString("base64"))
    const refused = await reopen(storage, { rootEncryptionKey }).catch((error: unknown) => String(error))
    expect(needed).toHaveProperty("fingerprint")
    expect(refused).toContain(Reflect.get(needed ?? {}, "fingerprint"))
    expect(refused).toMatch(/but the one given has [0-9a-f]{16}/)
  })

  it("never generates a second root key for a database that has a keyring", async () => {
    const storage = await open()
    const elsewhere = `${storage.dataFolder}/empty`
    await expect(reopen(storage, { dataFolder: elsewhere })).rejects.toThrow(
      /fingerprint [0-9a-f]{16}, and none was found/,
    )
  })

  it("shows nothing of its keys", async () => {
    const { keyring } = await open()
    expect(inspect({ keyring }, { showHidden: true, depth: 9 })).toBe("{ keyring: [keyring] }")
    expect(JSON.stringify({ keyring })).toBe('{"keyring":"[keyring]"}')
  })
}
