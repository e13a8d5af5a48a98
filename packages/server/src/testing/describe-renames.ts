import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aPerson } from "./a-person.ts"
import { TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Rename = readonly [secretKey: string, newSecretName: string]

/** New names for several secrets of a folder in one batch, on either database. */
export function describeRenames(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "renames in one batch", (open) => {
    /** A, B and C, whose values are their first names. */
    const make = async () => {
      const storage = await open()
      const bench = await aWorkbench(storage)
      for (const key of ["A", "B", "C"]) await bench.put(key, `was ${key}`)
      return { storage, bench, ids: await idsOf(bench) }
    }
    const rename = (bench: Workbench, renames: readonly Rename[], more: readonly object[] = []) =>
      bench.call("PATCH", "/v4/secrets/batch", {
        secrets: [...renames.map(([secretKey, newSecretName]) => ({ secretKey, newSecretName })), ...more],
      })

    it.for<{ what: string; renames: readonly Rename[]; now: Readonly<Record<string, string>> }>([
      {
        what: "two that swap",
        renames: [
          ["A", "B"],
          ["B", "A"],
        ],
        now: { A: "was B", B: "was A", C: "was C" },
      },
      {
        what: "three that go round",
        renames: [
          ["A", "B"],
          ["B", "C"],
          ["C", "A"],
        ],
        now: { A: "was C", B: "was A", C: "was B" },
      },
      {
        what: "one that takes the name of another, which moves on",
        renames: [
          ["A", "B"],
          ["B", "D"],
        ],
        now: { B: "was A", C: "was C", D: "was B" },
      },
      {
        what: "the same in the other order",
        renames: [
          ["B", "D"],
          ["A", "B"],
        ],
        now: { B: "was A", C: "was C", D: "was B" },
      },
    ])("$what keep ids, values and history", async ({ renames, now }) => {
      const { storage, bench, ids } = await make()
      const token = bench.instance.adminToken
      const replica = new TestApp(
        storage.connectionUri === undefined ? storage : await open({ sameAs: storage }),
      )
      const list = `/v4/secrets?projectId=${bench.project}&environment=prod`
      await replica.ok("GET", list, { token })
      const { status, body } = await rename(bench, renames)
      expect([status, body.secrets.length]).toEqual([200, renames.length])
      for (const { secrets } of [(await bench.list()).body, await replica.ok("GET", list, { token })])
        expect(valuesOf(secrets)).toEqual(now)
      const idsNow = await idsOf(bench)
      for (const [from, to] of renames) {
        expect(idsNow[to]).toBe(ids[from])
        expect((await bench.read(to)).body.secret).toMatchObject({ id: ids[from], version: 2 })
        const before = await bench.read(to, "&version=1")
        expect(before.body.secret).toMatchObject({ secretValue: `was ${from}`, version: 1 })
      }
    })

    it("overrides go with the secrets that they override, also where these swap", async () => {
      const { bench } = await make()
      const { project, instance } = bench
      const people = []
      for (const name of ["ann", "bob"])
        people.push(await aPerson(instance, { email: `${name}@acme.test`, project, role: "member" }))
      for (const { token, id } of people) {
        for (const key of ["A", "B"]) {
          const body = {
            projectId: project,
            environment: "prod",
            secretValue: `${id} ${key}`,
            type: "personal",
          }
          await instance.test.ok("POST", `/v4/secrets/${key}`, { token, body })
        }
      }
      expect(
        (
          await rename(bench, [
            ["A", "B"],
            ["B", "A"],
          ])
        ).status,
      ).toBe(200)
      for (const { token, id } of people) {
        for (const [key, was] of [
          ["A", "B"],
          ["B", "A"],
        ] as const) {
          const url = `/v4/secrets/${key}?projectId=${project}&environment=prod&type=personal`
          const { secret } = await instance.test.ok("GET", url, { token })
          expect(secret).toMatchObject({ secretValue: `${id} ${was}`, version: 2, type: "personal" })
        }
      }
    })

    it("a name that stays, or that two want, is refused, and so is everything else of the batch", async () => {
      const { bench, ids } = await make()
      const before = (await bench.list()).body.secrets
      const staying = [{ secretKey: "B", secretValue: "new" }]
      expect(await rename(bench, [["A", "B"]], staying)).toMatchObject({
        status: 400,
        body: { error: "UpdateSecret", message: "Secret with name 'B' already exists" },
      })
      expect(
        await rename(bench, [
          ["A", "D"],
          ["B", "D"],
        ]),
      ).toMatchObject({
        status: 400,
        body: { message: "Named more than once: D" },
      })
      const absent = [{ secretKey: "NONE", secretValue: "1" }]
      expect(
        (
          await rename(
            bench,
            [
              ["A", "B"],
              ["B", "A"],
            ],
            absent,
          )
        ).status,
      ).toBe(404)
      const tooLate = [{ secretKey: "C", tagIds: ["none"] }]
      expect(
        (
          await rename(
            bench,
            [
              ["A", "B"],
              ["B", "A"],
            ],
            tooLate,
          )
        ).status,
      ).toBe(404)
      expect((await bench.list()).body.secrets).toEqual(before)
      expect(await idsOf(bench)).toEqual(ids)
    })

    it("two batches that swap the same names at once are done one after the other", async () => {
      const { bench, ids } = await make()
      const swap: readonly Rename[] = [
        ["A", "B"],
        ["B", "A"],
      ]
      const answers = await Promise.all([rename(bench, swap), rename(bench, swap), rename(bench, swap)])
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(await idsOf(bench)).toEqual({ A: ids["B"], B: ids["A"], C: ids["C"] })
      expect((await bench.read("A")).body.secret).toMatchObject({ version: 4, secretValue: "was B" })
    })
  })
}

async function idsOf(bench: Workbench): Promise<Readonly<Record<string, string>>> {
  const rows = await bench.instance.test.storage.database.reader
    .selectFrom("secret")
    .select(["key", "id"])
    .where("project_id", "=", bench.project)
    .where("type", "=", "shared")
    .execute()
  return Object.fromEntries(rows.map(({ key, id }) => [key, id]))
}

function valuesOf(secrets: readonly { readonly secretKey: string; readonly secretValue: string }[]) {
  return Object.fromEntries(secrets.map(({ secretKey, secretValue }) => [secretKey, secretValue]))
}
