import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aPerson } from "../../../testing/a-person.ts"
import { anInstance, aProject, type Instance, TestApp } from "../../../testing/test-app.ts"
import { openContent } from "../../mail/outbox.ts"
import { listDueMails } from "../../mail/store.ts"
import { mailDueReminders, type ReminderMailDeps } from "../index.ts"

type Storage = Parameters<typeof anInstance>[0]

const siteUrl = "https://coffer.acme.test"
const dayMs = 86_400_000
const value = "VALUE-of-the-secret-88"
const note = "NOTE-of-the-reminder"
const mail = {
  host: "127.0.0.1",
  port: 9,
  login: undefined,
  from: { address: "coffer@acme.test", name: "Coffer" },
  tls: "required",
  isCertificateChecked: true,
  caPem: undefined,
} as const

class Bench {
  readonly instance: Instance
  readonly project: string

  constructor(instance: Instance, project: string) {
    this.instance = instance
    this.project = project
  }

  static async on(storage: Storage): Promise<Bench> {
    const instance = await anInstance(storage, { siteUrl, mail })
    return new Bench(instance, (await aProject(instance)).id)
  }

  /** A secret that is to change every thirty days. */
  async secret(key: string, of: { readonly environment?: string } = {}): Promise<void> {
    const body = {
      projectId: this.project,
      environment: of.environment ?? "prod",
      secretValue: value,
      secretReminderRepeatDays: 30,
      secretReminderNote: note,
    }
    await this.instance.test.ok("POST", `/v4/secrets/${key}`, { token: this.instance.adminToken, body })
  }

  person(name: string, role: string) {
    return aPerson(this.instance, { email: `${name}@acme.test`, project: this.project, role })
  }

  run(test: TestApp = this.instance.test): Promise<void> {
    const deps: ReminderMailDeps = { ...test.app.features, outbox: test.app.outbox, siteUrl }
    return mailDueReminders(deps)
  }

  /** What waits in the outbox, by recipient. */
  async mails() {
    const { database, keyring, clock } = this.instance.test.storage
    const waiting = await listDueMails(database.reader, clock.now(), 100)
    return waiting
      .map((one) => ({ to: one.recipient, ...openContent(keyring, one) }))
      .toSorted((left, right) => (left.to < right.to ? -1 : 1))
  }
}

/** Mails for reminders that are due, on either database. */
export function describeReminderMails(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "mails of reminders", (open) => {
    it("go to the people of the project once per due date, with the name and never the value", async () => {
      const bench = await Bench.on(await open())
      const { test } = bench.instance
      await bench.secret("DATABASE_PASSWORD")
      await bench.person("ann", "viewer")
      await bench.person("bob", "member")
      test.clock.advance(29 * dayMs)
      await bench.run()
      expect(await bench.mails()).toEqual([])
      test.clock.advance(dayMs)
      for (let count = 0; count < 3; count += 1) await bench.run()
      const mails = await bench.mails()
      expect(mails.map(({ to }) => to)).toEqual(["ann@acme.test", "bob@acme.test"])
      expect(mails[0]?.subject).toBe("One secret of Billing API should get a new value")
      expect(mails[0]?.text).toContain("prod:/DATABASE_PASSWORD, due since ")
      for (const hidden of [value, note]) expect(JSON.stringify(mails)).not.toContain(hidden)
      const body = { projectId: bench.project, environment: "prod", secretValue: "another" }
      await test.ok("PATCH", "/v4/secrets/DATABASE_PASSWORD", { token: bench.instance.adminToken, body })
      await bench.run()
      expect(await bench.mails()).toHaveLength(2)
      test.clock.advance(30 * dayMs)
      await bench.run()
      expect(await bench.mails()).toHaveLength(4)
    })

    it("tell of no secret before all of its project is there, and then do", async () => {
      const bench = await Bench.on(await open())
      const { test } = bench.instance
      await bench.secret("A")
      await bench.person("ann", "viewer")
      test.clock.advance(30 * dayMs)
      const hide = (is_hidden: 0 | 1) =>
        test.storage.database.write(({ db }) =>
          db.updateTable("project").set({ is_hidden }).where("id", "=", bench.project).execute(),
        )
      await hide(1)
      await bench.run()
      expect(await bench.mails()).toEqual([])
      await hide(0)
      await bench.run()
      expect(await bench.mails()).toHaveLength(1)
    })

    it("name a secret only to those who may know of it, and tell each person once of all", async () => {
      const bench = await Bench.on(await open())
      const { test, adminToken: token } = bench.instance
      for (const key of ["A", "B"]) await bench.secret(key)
      await bench.secret("C", { environment: "dev" })
      const permissions = [
        { subject: "secrets", action: ["describeSecret"], conditions: { environment: "dev" } },
      ]
      const role = { slug: "dev-only", name: "Dev only", permissions }
      await test.ok("POST", `/v1/projects/${bench.project}/roles`, { token, body: role })
      await bench.person("all", "viewer")
      await bench.person("dev", "dev-only")
      await bench.person("none", "no-access")
      test.clock.advance(31 * dayMs)
      await bench.run()
      const mails = await bench.mails()
      expect(mails.map(({ to }) => to)).toEqual(["all@acme.test", "dev@acme.test"])
      expect(mails[0]?.subject).toBe("3 secrets of Billing API should get a new value")
      expect(mails[1]?.text).toContain("dev:/C")
      expect(mails[1]?.text).not.toMatch(/prod:/)
    })

    it("go to those who are in the project through a group, and not to who was deactivated", async () => {
      const bench = await Bench.on(await open())
      const { test, adminToken: token } = bench.instance
      await bench.secret("A")
      await aPerson(bench.instance, { email: "ann@acme.test" })
      const bob = await bench.person("bob", "viewer")
      const { id } = await test.ok("POST", "/v1/groups", { token, body: { name: "sre" } })
      await test.ok("POST", `/v1/groups/${id}/users/ann@acme.test`, { token, body: {} })
      await test.ok("POST", `/v1/projects/${bench.project}/groups/${id}`, { token, body: { role: "viewer" } })
      await test.ok("PATCH", `/coffer/v1/users/${bob.id}`, { token, body: { isActive: false } })
      test.clock.advance(30 * dayMs)
      await bench.run()
      expect((await bench.mails()).map(({ to }) => to)).toEqual(["ann@acme.test"])
    })

    it("come once when two servers look at the same time", async () => {
      const storage = await open()
      const bench = await Bench.on(storage)
      for (let count = 0; count < 20; count += 1) await bench.secret(`KEY_${count}`)
      await bench.person("ann", "viewer")
      bench.instance.test.clock.advance(30 * dayMs)
      const other =
        storage.connectionUri === undefined ? storage : await open({ sameAs: storage, clock: storage.clock })
      const replica = new TestApp(other, { siteUrl, mail })
      await Promise.all([bench.run(), bench.run(replica), bench.run(), bench.run(replica)])
      const mails = await bench.mails()
      const named = mails.flatMap(({ text }) => text.match(/KEY_\d+/g) ?? [])
      expect(named).toHaveLength(20)
      expect(new Set(named).size).toBe(20)
    })

    it("are written nowhere while mail is not set up, and come when it is", async () => {
      const storage = await open()
      const bench = await Bench.on(storage)
      await bench.secret("A")
      await bench.person("ann", "viewer")
      bench.instance.test.clock.advance(30 * dayMs)
      await bench.run(new TestApp(storage))
      expect(await bench.mails()).toEqual([])
      await bench.run()
      expect(await bench.mails()).toHaveLength(1)
    })
  })
}
