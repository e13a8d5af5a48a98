import type { ArchiveRecord } from "@coffer/project-archive"
import { expect, it } from "vitest"
import { aStranger } from "./a-stranger.ts"
import { archiveOf, exported, imported, type Keys, lockedText, recordsOf } from "./archive-bench.ts"
import { countsOf, fill } from "./full-project.ts"
import { aMachine, type Instance } from "./test-app.ts"
import { Workbench } from "./workbench.ts"

type Records = readonly ArchiveRecord[]
type Forgery = { readonly what: string; readonly forge: (records: Records) => Records; readonly says: RegExp }

/** Changes the records of a kind; those for which `change` gives nothing stay. */
function changing(
  kind: string,
  change: (record: ArchiveRecord, index: number) => object | undefined,
): (records: Records) => Records {
  return (records) => {
    let index = -1
    return records.map((record) => {
      if (record.kind !== kind) return record
      index += 1
      return { ...record, ...change(record, index) }
    })
  }
}

const first = (fields: object) => (_: ArchiveRecord, index: number) => (index === 0 ? fields : undefined)
const current = (fields: object) => (record: ArchiveRecord) =>
  record["current"] === undefined || record["parentId"] === null ? undefined : fields
const stranger = "11111111-2222-4333-8444-555555555555"

const inHeader = (project: object) =>
  changing("header", (record) => ({ project: { ...(record["project"] as object), ...project } }))

/** With so many folders more, one below the other or all below the root of an environment. */
function withFolders(count: number, where: "in-a-chain" | "below-root"): (records: Records) => Records {
  return (records) => {
    const like = records.find(({ kind, parentId }) => kind === "folder" && parentId !== null)
    const isRoot = ({ kind, parentId }: ArchiveRecord) => kind === "folder" && parentId === null
    const root = records.find((one) => isRoot(one) && one["environmentId"] === like?.["environmentId"])
    const more: ArchiveRecord[] = []
    for (let number = 1; number <= count; number += 1) {
      const id = `${String(number).padStart(8, "0")}-0000-4000-8000-000000000000`
      const above = where === "in-a-chain" ? more.at(-1) : undefined
      const parentId = (above ?? root)?.["id"]
      const version = { version: 1, revision: lastRevision, op: "create", name: `more-${number}` }
      more.push({
        ...like,
        kind: "folder",
        ...version,
        id,
        parentId,
        current: { createdAt: 1, updatedAt: 1 },
      })
    }
    const after = records.findLastIndex(({ kind }) => kind === "folder") + 1
    const longer = [...records.slice(0, after), ...more, ...records.slice(after)]
    return inHeader({ revision: lastRevision })(longer)
  }
}

/** The largest that an archive may name. */
const lastRevision = 2 ** 52

const forgeries: readonly Forgery[] = [
  {
    what: "with more revisions than can be counted",
    forge: inHeader({ revision: Number.MAX_SAFE_INTEGER }),
    says: /header of the archive, project\.revision/,
  },
  {
    what: "that keeps its audit log for ever and a day",
    forge: inHeader({ auditRetentionDays: Number.MAX_SAFE_INTEGER }),
    says: /project\.auditRetentionDays/,
  },
  {
    what: "that reminds after the end of time",
    forge: changing("secret", first({ reminderRepeatDays: Number.MAX_SAFE_INTEGER })),
    says: /reminderRepeatDays/,
  },
  {
    what: "with folders below folders without end",
    forge: withFolders(65, "in-a-chain"),
    says: /would lie more than 64 levels below the root/,
  },
  {
    what: "with more folders than a project may have",
    forge: withFolders(20_000, "below-root"),
    says: /more than 20000 folders/,
  },
  { what: "of a newer format", forge: changing("header", first({ version: 2 })), says: /format version 2/ },
  { what: "of another format", forge: changing("header", first({ format: "x" })), says: /no header/ },
  { what: "without a header", forge: (all) => all.slice(1), says: /no header/ },
  {
    what: "with a field that nobody knows",
    forge: changing("folder", first({ extra: 1 })),
    says: /record \d+ \(folder\)/,
  },
  {
    what: "with a kind that nobody knows",
    forge: (all) => [...all, { kind: "x" }],
    says: /record \d+, kind/,
  },
  { what: "with two headers", forge: (all) => [...all.slice(0, 1), ...all], says: /record 2/ },
  {
    what: "with dot segments in a path",
    forge: changing("import", first({ importPath: "/../other" })),
    says: /importPath: must not contain/,
  },
  {
    what: "with a path that is not canonical",
    forge: changing("import", first({ importPath: "app/" })),
    says: /importPath: must be in its canonical form/,
  },
  {
    what: "with a slash in the name of a folder",
    forge: changing("folder", current({ name: "../x" })),
    says: /name: may hold letters/,
  },
  {
    what: "with a colon in a key",
    forge: changing("secret", first({ key: "a:b" })),
    says: /key: must not contain/,
  },
  {
    what: "with an id that is none",
    forge: changing("secret", first({ id: "../../etc/passwd" })),
    says: /id: must be a UUID/,
  },
  {
    what: "with a record twice",
    forge: (all) => [...all, ...all.slice(-1)],
    says: /out of order, or there twice/,
  },
  {
    what: "with kinds in another order",
    forge: (all) => [
      ...all.filter(({ kind }) => kind !== "tag"),
      ...all.filter(({ kind }) => kind === "tag"),
    ],
    says: /out of order/,
  },
  {
    what: "with a key twice in a folder",
    forge: changing("secret", current({ key: "SAME", userId: null, folderId: "" })),
    says: /folderId/,
  },
  {
    what: "with a folder that is none of it",
    forge: changing("secret", first({ folderId: stranger })),
    says: /in a folder that is none of this project/,
  },
  {
    what: "with a folder below itself",
    forge: changing("folder", (record) =>
      record["current"] !== undefined && record["parentId"] !== null ? { parentId: record["id"] } : undefined,
    ),
    says: /lies below no folder/,
  },
  {
    what: "with a second root",
    forge: changing("folder", current({ parentId: null })),
    says: /without a root folder, or with several/,
  },
  {
    what: "with a revision after its last one",
    forge: changing("secret", (record) => ({ revision: (record["revision"] as number) + 1_000_000 })),
    says: /revision after the last one/,
  },
  {
    what: "that does not say what is still there",
    forge: changing("secret", () => ({ current: undefined })),
    says: /still there/,
  },
  {
    what: "with a current secret that has no value",
    forge: changing("secret", current({ value: null })),
    says: /has no value/,
  },
  {
    what: "with a role that has the name of a built-in one",
    forge: changing("role", first({ slug: "viewer" })),
    says: /slug: must not be the name of a built-in role/,
  },
  {
    what: "with a role whose pattern no server would take",
    forge: changing(
      "role",
      first({
        permissions: [
          { subject: "secrets", action: "readValue", conditions: { secretPath: { $glob: "/((a)|b)" } } },
        ],
      }),
    ),
    says: /\(role\), permissions: The \$glob pattern/,
  },
  {
    what: "with a role twice",
    forge: (all) =>
      all.flatMap((record) =>
        record.kind === "role" ? [record, { ...record, id: `f${String(record["id"]).slice(1)}` }] : [record],
      ),
    says: /names something twice|out of order/,
  },
]

/** Archives that someone made to do harm, and those that broke on their way. */
export function describeHostileArchives(make: () => Promise<Workbench>): void {
  it("is refused by name, whatever is wrong with it, and nothing of it stays", async () => {
    const bench = await make()
    await fill(bench)
    const { archive, keys } = await exported(bench)
    const { instance } = bench
    await bench.ok("DELETE", `/v1/projects/${bench.project}`)
    await instance.test.app.removal.runOnce()
    const records = await recordsOf(archive, keys)
    for (const { what, forge, says } of forgeries) {
      const forged = await archiveOf(forge(records), keys)
      const answer = await imported(instance, forged, keys)
      expect({ what, status: answer.status }).toEqual({ what, status: expect.toBeOneOf([400, 409]) })
      expect({ what, code: answer.body.error }).toEqual({ what, code: "ArchiveRefused" })
      expect(answer.body.message, what).toMatch(says)
      expect(answer.text, what).not.toMatch(/base-value|metadata-in-the-dark|passwd/)
      await expectNothing(instance, what)
    }
    expect((await imported(instance, archive, keys)).status).toBe(200)
  })

  it("at the limits of what is taken becomes a project that works", async () => {
    const bench = await make()
    await fill(bench)
    const { archive, keys } = await exported(bench)
    const latest = 8.64e15
    const atTheEnd = changing("secret", (record) => ({
      at: latest,
      version: (record["version"] as number) + lastRevision - 1_000,
      ...(record["current"] === undefined ? {} : { current: { createdAt: latest, reminderFrom: latest } }),
    }))
    const forged = inHeader({ createdAt: latest, updatedAt: latest, versionLimit: 100, trashDays: 3_650 })(
      atTheEnd(withFolders(64, "in-a-chain")(await recordsOf(archive, keys))),
    )
    const answer = await imported(bench.instance, await archiveOf(forged, keys), {
      ...keys,
      query: "asCopy=true",
    })
    expect(answer.status).toBe(200)
    const there = new Workbench(bench.instance, answer.body.project.id)
    expect((await there.read("FULL", "&expandSecretReferences=false")).body.secret).toMatchObject({
      secretValue: "two ${BASE}",
      updatedAt: new Date(latest).toISOString(),
    })
    await there.ok("PATCH", "/v4/secrets/FULL", { secretValue: "three" })
    const { secret } = await there.ok("PATCH", "/v4/secrets/FULL", { secretValue: "four" })
    expect(secret.version).toBe(lastRevision - 1_000 + 4)
    await there.ok("DELETE", "/v4/secrets/FULL", {})
    // Two updates, and two deletions: somebody's override goes with it.
    expect((await recordsOf((await exported(there, keys)).archive, keys)).length).toBe(forged.length + 4)
    await there.ok("DELETE", `/v1/projects/${there.project}`)
  })

  it("that is cut off, changed, locked for others or no archive at all is refused, and nothing of it stays", async () => {
    const bench = await make()
    await fill(bench)
    const { archive, keys } = await exported(bench)
    const other = await exported(bench)
    const { instance } = bench
    await bench.ok("DELETE", `/v1/projects/${bench.project}`)
    await instance.test.app.removal.runOnce()
    const refused = async (bytes: Uint8Array, says: RegExp, with_: Keys | object = keys) => {
      const answer = await imported(instance, bytes, with_)
      expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(says) } })
      expect(answer.text).not.toContain(keys.identity)
      await expectNothing(instance, String(says))
    }
    for (const part of [0.2, 0.5, 0.9, 0.999]) {
      await refused(archive.subarray(0, Math.floor(archive.length * part)), /damaged or cut off|no age file/)
      const flipped = Uint8Array.from(archive)
      const at = Math.floor(archive.length * part)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      await refused(flipped, /damaged or cut off|no age file|does not open/)
    }
    await refused(archive, /does not open/, other.keys)
    await refused(archive, /header x-coffer-archive-identity/, {})
    await refused(archive, /identity is malformed/, { identity: "AGE-SECRET-KEY-1QQ" })
    await refused(Buffer.from("{}"), /no age file/)
    await refused(Buffer.alloc(0), /no age file|body is missing/)
    const records = await recordsOf(archive, keys)
    const withoutEnd = records.map((record) => `${JSON.stringify(record)}\n`).join("")
    await refused(await lockedText(withoutEnd, keys), /its end is missing/)
    await refused(await lockedText(`${"[".repeat(1_000_000)}\n`, keys), /not JSON/)
    await refused(await lockedText("x".repeat(8 * 1024 * 1024 + 1), keys), /larger than 8388608 bytes/)
    expect((await imported(instance, archive, keys)).status).toBe(200)
  })

  it("cannot take, touch or shadow what belongs to another project of the server", async () => {
    const bench = await make()
    await fill(bench)
    const victim = await bench.another("Victim")
    const secret = await victim.put("TARGET", "the victim's")
    const folders = await victim.ok("GET", `/v2/folders?projectId=${victim.project}&environment=prod&path=/`)
    expect(folders.folders).toEqual([])
    const { archive, keys } = await exported(bench)
    await bench.ok("DELETE", `/v1/projects/${bench.project}`)
    const records = await recordsOf(archive, keys)
    const [mine] = records.filter(({ kind }) => kind === "secret")
    const stolen = records.map((record) =>
      record["id"] === mine?.["id"] ? { ...record, id: secret.id, version: 1_000 } : record,
    )
    const sorted = inOrder(stolen)
    const answer = await imported(bench.instance, await archiveOf(sorted, keys), keys)
    expect(answer).toMatchObject({ status: 409, body: { error: "ArchiveRefused" } })
    expect(answer.body.message).toContain(secret.id)
    expect((await victim.read("TARGET")).body.secret).toMatchObject({
      secretValue: "the victim's",
      version: 1,
    })
    const versions = await victim.ok("GET", `/v1/secret/${secret.id}/secret-versions`)
    expect(versions.secretVersions).toHaveLength(1)
    // As a copy everything gets new ids, also that one: the victim stays as it is.
    const copied = await imported(bench.instance, await archiveOf(sorted, keys), {
      ...keys,
      query: "asCopy=true",
    })
    expect(copied.status).toBe(200)
    expect((await victim.read("TARGET")).body.secret.secretValue).toBe("the victim's")
  })

  it("tells nobody what another organization calls its project", async () => {
    const bench = await make()
    const { archive, keys } = await exported(bench)
    const own = await imported(bench.instance, archive, keys)
    expect(own).toMatchObject({ status: 409, body: { message: expect.stringMatching(/with slug '/) } })
    const { token } = await aStranger(bench.instance)
    const foreign = await imported(bench.instance, archive, { ...keys, token })
    expect(foreign).toMatchObject({ status: 409, body: { message: expect.stringMatching(/as a copy/) } })
    expect(foreign.body.message).not.toContain("slug")
  })

  it("gives nobody a longer or shorter audit log than the organization allows", async () => {
    const bench = await make()
    const { archive, keys } = await exported(bench)
    const records = await recordsOf(archive, keys)
    const [header, ...rest] = records
    const project = { ...(header?.["project"] as object), auditRetentionDays: 1 }
    const forged = await archiveOf([{ ...(header as ArchiveRecord), project }, ...rest], keys)
    const member = await aMachine(bench.instance, { orgRole: "member" })
    const answer = await imported(bench.instance, forged, {
      ...keys,
      query: "asCopy=true",
      token: member.token,
    })
    expect(answer.body.project.auditLogsRetentionDays).toBeNull()
  })

  it("is read by at most two at once", async () => {
    const bench = await make()
    const { archive, keys } = await exported(bench)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => imported(bench.instance, archive, { ...keys, query: "asCopy=true" })),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(2)
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true)
    expect(statuses).toContain(429)
  })
}

/** Versions of secrets by revision, id and version, as an archive has them. */
function inOrder(records: Records): Records {
  const isSecret = ({ kind }: ArchiveRecord) => kind === "secret"
  const order = (record: ArchiveRecord) =>
    [
      String(record["revision"]).padStart(9, "0"),
      record["id"],
      String(record["version"]).padStart(9, "0"),
    ].join(" ")
  const secrets = records.filter(isSecret).toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
  return [...records.filter((record) => !isSecret(record)), ...secrets]
}

async function expectNothing(instance: Instance, what: string): Promise<void> {
  expect({ what, ...(await countsOf(instance)) }).toEqual({ what, visible: 0, projects: 0, versions: 0 })
}
