import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** What a secret has besides its value (contract 1.5, 3.6), on either database. */
export function describeAttributes(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "attributes of secrets", (open) => {
    const make = async () => aWorkbench(await open())
    describeFields(make)
    describeReminders(make)
  })
}

const day = 24 * 60 * 60 * 1_000

function describeFields(make: Make): void {
  it("metadata is replaced as a whole, stored sealed where that is asked for, and may be emptied", async () => {
    const bench = await make()
    const secretMetadata = [
      { key: "owner", value: "payments" },
      { key: "pin", value: "canary-1234", isEncrypted: true },
    ]
    await bench.ok("POST", "/v4/secrets/A", { secretValue: "1", secretMetadata })
    const { reader } = bench.instance.test.storage.database
    const stored = await reader.selectFrom("secret").select("metadata").executeTakeFirstOrThrow()
    expect(stored.metadata).toContain("payments")
    expect(stored.metadata).not.toContain("canary-1234")
    const shown = async () => (await bench.read("A")).body.secret.secretMetadata
    expect(await shown()).toEqual([
      { key: "owner", value: "payments", isEncrypted: false },
      { key: "pin", value: "canary-1234", isEncrypted: true },
    ])
    await bench.ok("PATCH", "/v4/secrets/A", {
      secretMetadata: [{ key: "pin", value: "2", isEncrypted: true }],
    })
    expect(await shown()).toEqual([{ key: "pin", value: "2", isEncrypted: true }])
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
    expect(await shown()).toHaveLength(1)
    await bench.ok("PATCH", "/v4/secrets/A", { secretMetadata: [] })
    expect(await shown()).toEqual([])
  })

  it.for([
    { metadata: [{ key: "", value: "1" }] },
    { metadata: [{ key: "k".repeat(256), value: "1" }] },
    { metadata: [{ key: "k", value: "v".repeat(1021) }] },
    { metadata: [{ key: "k", value: 1 }] },
  ])("metadata of a wrong form is refused without showing it", async ({ metadata }) => {
    const bench = await make()
    const answer = await bench.call("POST", "/v4/secrets/A", { secretValue: "1", secretMetadata: metadata })
    expect(answer.status).toBe(422)
    expect(answer.body.message).toContain("body.secretMetadata.0")
  })

  it("a comment is trimmed, kept by other changes and emptied by an empty one", async () => {
    const bench = await make()
    await bench.ok("POST", "/v4/secrets/A", { secretValue: "1", secretComment: "  why  " })
    const comment = async () => (await bench.read("A")).body.secret.secretComment
    expect(await comment()).toBe("why")
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
    expect(await comment()).toBe("why")
    await bench.ok("PATCH", "/v4/secrets/A", { secretComment: "" })
    expect(await comment()).toBe("")
  })

  it("an update without a value leaves it, and an empty value is a value (gotchas 21, 24)", async () => {
    const bench = await make()
    await bench.put("A", "1")
    await bench.ok("PATCH", "/v3/secrets/raw/A", { skipMultilineEncoding: true })
    expect((await bench.read("A")).body.secret).toMatchObject({
      secretValue: "1",
      skipMultilineEncoding: true,
    })
    await bench.ok("PATCH", "/v3/secrets/raw/A", { secretValue: "" })
    expect((await bench.read("A")).body.secret.secretValue).toBe("")
    expect((await bench.put("B", "")).secretValue).toBe("")
    await bench.ok("PATCH", "/v3/secrets/raw/A", { skipMultilineEncoding: null })
    expect((await bench.read("A")).body.secret.skipMultilineEncoding).toBeNull()
  })

  it("a value with line breaks is never altered on read, whatever skipMultilineEncoding says", async () => {
    const bench = await make()
    const secretValue = 'line 1\n\tline 2 "quoted"\n'
    await bench.ok("POST", "/v4/secrets/A", { secretValue, skipMultilineEncoding: true })
    expect((await bench.read("A")).body.secret.secretValue).toBe(secretValue)
    expect((await bench.list()).body.secrets[0].secretValue).toBe(secretValue)
  })

  it("where upper case is wanted it is wanted of new names, in batches and renames too", async () => {
    const bench = await make()
    await bench.put("Old", "1")
    await bench.ok("PATCH", `/v1/projects/${bench.project}`, { autoCapitalization: true })
    await bench.ok("PATCH", "/v4/secrets/Old", { secretValue: "2" })
    const message = /^Secret name must be in UPPERCASE per project requirements/
    const refused = [
      await bench.call("PATCH", "/v4/secrets/Old", { newSecretName: "still" }),
      await bench.call("POST", "/v4/secrets/batch", { secrets: [{ secretKey: "low", secretValue: "" }] }),
      await bench.call("PATCH", "/v4/secrets/batch", {
        mode: "upsert",
        secrets: [{ secretKey: "low", secretValue: "" }],
      }),
    ]
    for (const answer of refused) {
      expect(answer.status).toBe(400)
      expect(answer.body.message).toMatch(message)
    }
    await bench.ok("PATCH", "/v4/secrets/Old", { newSecretName: "NEW_1" })
  })

  it.for(["a:b", "a/b", "", " ", "."])("the key '%s' is refused", async (key) => {
    const bench = await make()
    const secrets = [{ secretKey: key, secretValue: "1" }]
    expect((await bench.call("POST", "/v4/secrets/batch", { secrets })).status).toBe(422)
    await bench.put("A", "1")
    expect((await bench.call("PATCH", "/v4/secrets/A", { newSecretName: key })).status).toBe(422)
  })
}

function describeReminders(make: Make): void {
  it("a reminder is due when the value has been the same for its days, and starts anew with a new one", async () => {
    const bench = await make()
    const { clock } = bench.instance.test
    await bench.folder("/db")
    const reminder = { secretReminderRepeatDays: 30, secretReminderNote: "rotate me" }
    await bench.ok("POST", "/v4/secrets/PASSWORD", { ...reminder, secretValue: "1", secretPath: "/db" })
    await bench.put("PLAIN", "1")
    const due = async (more = "") =>
      (await bench.ok("GET", `/coffer/v1/projects/${bench.project}/reminders${more}`)).reminders
    expect(await due()).toEqual([])
    const soon = new Date(clock.now() + 31 * day).toISOString()
    expect(await due(`?dueBy=${soon}`)).toMatchObject([
      { secretKey: "PASSWORD", environment: "prod", secretPath: "/db", note: "rotate me", repeatDays: 30 },
    ])
    clock.advance(20 * day)
    const patch = (body: object) => bench.ok("PATCH", "/v4/secrets/PASSWORD", { ...body, secretPath: "/db" })
    await patch({ secretComment: "does not count" })
    clock.advance(10 * day)
    expect(await due()).toHaveLength(1)
    await patch({ secretValue: "2" })
    expect(await due()).toEqual([])
    clock.advance(30 * day)
    expect(await due()).toMatchObject([{ dueAt: new Date(clock.now()).toISOString() }])
    await patch({ secretReminderRepeatDays: null })
    expect(await due()).toEqual([])
    expect(
      (await bench.call("GET", `/coffer/v1/projects/${bench.project}/reminders?dueBy=soon`)).status,
    ).toBe(422)
  })

  it("reminders are shown to those who may know of the secrets", async () => {
    const bench = await make()
    const { test } = bench.instance
    const url = `/coffer/v1/projects/${bench.project}/reminders`
    const nobody = await aMachine(bench.instance, { project: bench.project, role: "no-access" })
    expect((await test.call("GET", url, { token: nobody.token })).status).toBe(403)
    const stranger = await aMachine(bench.instance)
    expect((await test.call("GET", url, { token: stranger.token })).status).toBe(403)
  })
}
