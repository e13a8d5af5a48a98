import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"
import type { MailConfig } from "../../../mail-config.ts"
import { Secret } from "../../../secret.ts"
import { startWithoutIntervals } from "../../../testing/start-without-intervals.ts"
import { anInstance } from "../../../testing/test-app.ts"
import { MailWorker, type NewMail, Outbox } from "../index.ts"
import type { SmtpSettings } from "./smtp-process.ts"
import { headerOf, SmtpReceiver } from "./smtp-receiver.ts"

const receivers: SmtpReceiver[] = []
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop()
})

async function aReceiver(settings: Partial<SmtpSettings> = {}): Promise<SmtpReceiver> {
  const receiver = await SmtpReceiver.start(settings)
  receivers.push(receiver)
  return receiver
}

/** As the receiver of the tests wants it: encrypted, with a certificate that nobody vouches for. */
function configFor(receiver: Pick<SmtpReceiver, "port">, of: Partial<MailConfig> = {}): MailConfig {
  return {
    host: "127.0.0.1",
    port: receiver.port,
    login: undefined,
    from: { address: "coffer@acme.test", name: "Coffer" },
    tls: "required",
    isCertificateChecked: false,
    caPem: undefined,
    ...of,
  }
}

class Desk {
  readonly storage: TestStorage
  readonly outbox: Outbox
  readonly #orgId: string

  constructor(storage: TestStorage, orgId: string) {
    this.storage = storage
    this.outbox = new Outbox(storage, { isOpen: true })
    this.#orgId = orgId
  }

  worker(config: MailConfig, storage = this.storage): MailWorker {
    return new MailWorker(storage, config, this.outbox)
  }

  write(mail: Partial<NewMail> = {}): Promise<void> {
    const { database } = this.storage
    const to = "ann@acme.test"
    const whole = { orgId: this.#orgId, kind: "invitation", subject: "Hello", text: "Words.\n" } as const
    return database.write((scope) => this.outbox.add(scope, { to, ...whole, ...mail }))
  }

  rows() {
    return this.storage.database.reader.selectFrom("mail_outbox").selectAll().orderBy("id").execute()
  }
}

async function aDesk(storage: TestStorage): Promise<Desk> {
  return new Desk(storage, (await anInstance(storage)).orgId)
}

/** The outbox and its worker with a real mail server process, on either database. */
export function describeMail(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "mails", (open) => {
    describeSending(open)
    describeFailures(open)
    describeProcesses(open)
  })
}

function describeSending(open: OpenTestStorage): void {
  it("are sent once, encrypted, with a stable Message-ID, and nothing of them is kept", async () => {
    const receiver = await aReceiver()
    const desk = await aDesk(await open())
    await desk.write({ text: "Überraschung: https://coffer.test/invite#abc\n" })
    const [waiting] = await desk.rows()
    expect(Buffer.from(waiting?.content_sealed ?? []).toString("latin1")).not.toContain("invite")
    await desk.worker(configFor(receiver)).runOnce()
    await desk.worker(configFor(receiver)).runOnce()
    const [mail, ...more] = receiver.mails
    expect(more).toEqual([])
    expect(mail).toMatchObject({ from: "coffer@acme.test", to: ["ann@acme.test"], isEncrypted: true })
    if (mail === undefined) throw new Error("no mail")
    expect(headerOf(mail, "Message-ID")).toBe(`<${waiting?.id}@acme.test>`)
    expect(headerOf(mail, "From")).toBe("Coffer <coffer@acme.test>")
    expect(headerOf(mail, "Auto-Submitted")).toBe("auto-generated")
    expect(await desk.rows()).toMatchObject([{ state: "sent", content_sealed: null, attempts: 1 }])
  })

  it("log in where the mail server asks for it, and the password is in no log", async () => {
    const login = { username: "coffer", password: "PASSWORD-of-smtp-77" }
    const receiver = await aReceiver({ login })
    const desk = await aDesk(await open())
    await desk.write()
    const credentials = (password: string) => ({ username: login.username, password: new Secret(password) })
    const refused = desk.worker(configFor(receiver, { login: credentials("wrong-PASSWORD-of-smtp") }))
    await refused.runOnce()
    expect(receiver.refusedLogins).toBe(1)
    expect(await desk.rows()).toMatchObject([{ state: "pending", attempts: 0 }])
    await desk.worker(configFor(receiver, { login: credentials(login.password) })).runOnce()
    expect(receiver.mails).toMatchObject([{ user: "coffer", isEncrypted: true }])
    const logged = JSON.stringify(desk.storage.log.entries)
    expect(logged).not.toContain("PASSWORD-of-smtp")
  })

  it.for([
    { of: "a subject", mail: { subject: "Join\r\nBcc: eve@evil.test\r\n\r\nclick here" } },
    { of: "a subject with other line ends", mail: { subject: "Join\u2028Bcc: eve@evil.test\u0085x\0y" } },
    { of: "a text that ends the message", mail: { text: "a\r\n.\r\nMAIL FROM:<eve@evil.test>\r\nb\n" } },
  ])("no header and no recipient can be smuggled in by $of", async ({ mail }) => {
    const receiver = await aReceiver()
    const desk = await aDesk(await open())
    await desk.write(mail)
    await desk.worker(configFor(receiver)).runOnce()
    for (const received of receiver.mails) {
      expect(received.to).toEqual(["ann@acme.test"])
      expect(headerOf(received, "Bcc")).toBeUndefined()
      expect(received.from).toBe("coffer@acme.test")
    }
    expect(receiver.mails).toHaveLength(1)
  })

  it.for([
    "ann@acme.test\r\nRCPT TO:<eve@evil.test>",
    "ann@acme.test, eve@evil.test",
    "ann@acme.test;eve@evil.test",
    "Ann <ann@acme.test>",
    "friends: eve@evil.test;",
    "ann@acme.test\0",
    "",
  ])("what is not one plain address is no recipient: %j", async (to) => {
    const desk = await aDesk(await open())
    await expect(desk.write({ to })).rejects.toMatchObject({ kind: "invalid" })
    expect(await desk.rows()).toEqual([])
  })

  it("of a write that failed are not sent", async () => {
    const receiver = await aReceiver()
    const storage = await open()
    const desk = await aDesk(storage)
    const failing = storage.database.write(async (scope) => {
      const orgId = (await scope.db.selectFrom("organization").select("id").executeTakeFirstOrThrow()).id
      const mail = { orgId, kind: "reminder", to: "a@b.test", subject: "s", text: "t" } as const
      await desk.outbox.add(scope, mail)
      throw new Error("no")
    })
    await expect(failing).rejects.toThrow("no")
    await desk.worker(configFor(receiver)).runOnce()
    expect(receiver.mails).toEqual([])
  })
}

function describeFailures(open: OpenTestStorage): void {
  it("wait while the mail server is down, and come when it is back", async () => {
    const first = await aReceiver()
    const { port } = first
    await first.stop()
    const desk = await aDesk(await open())
    for (let count = 0; count < 3; count += 1) await desk.write({ subject: `Number ${count}` })
    const worker = desk.worker(configFor({ port }))
    await worker.runOnce()
    const warnings = () => desk.storage.log.entries.filter(({ message }) => message === "mails wait").length
    expect(warnings()).toBe(1)
    const second = await aReceiver({ port })
    await worker.runOnce()
    expect(second.mails, "the mail server is given a rest").toEqual([])
    desk.storage.clock.advance(5 * 60_000)
    await worker.runOnce()
    expect(second.mails.map((mail) => headerOf(mail, "Subject")).toSorted()).toEqual([
      "Number 0",
      "Number 1",
      "Number 2",
    ])
  })

  it.for([
    { what: "does not offer encryption", settings: { hasTls: false }, config: { tls: "required" as const } },
    { what: "shows a certificate nobody vouches for", settings: {}, config: { isCertificateChecked: true } },
  ])("are not given to a mail server that $what", async ({ settings, config }) => {
    const receiver = await aReceiver(settings)
    const desk = await aDesk(await open())
    await desk.write()
    await desk.worker(configFor(receiver, config)).runOnce()
    expect(receiver.mails).toEqual([])
    expect(await desk.rows()).toMatchObject([{ state: "pending" }])
  })

  it("go in clear only where that is configured", async () => {
    const receiver = await aReceiver({ hasTls: false })
    const desk = await aDesk(await open())
    await desk.write()
    await desk.worker(configFor(receiver, { tls: "never" })).runOnce()
    expect(receiver.mails).toMatchObject([{ isEncrypted: false }])
  })

  it("that are refused for good are given up, those refused for now come again, and neither delays others", async () => {
    const receiver = await aReceiver({ refused: ["gone@acme.test"], deferred: ["busy@acme.test"] })
    const desk = await aDesk(await open())
    for (const name of ["gone", "busy", "ann"]) await desk.write({ to: `${name}@acme.test` })
    const worker = desk.worker(configFor(receiver))
    await worker.runOnce()
    expect(receiver.mails.map(({ to }) => to)).toEqual([["ann@acme.test"]])
    const states = async () => new Map((await desk.rows()).map((row) => [row.recipient, row]))
    expect((await states()).get("gone@acme.test")).toMatchObject({ state: "failed", content_sealed: null })
    expect((await states()).get("busy@acme.test")).toMatchObject({ state: "pending", attempts: 1 })
    desk.storage.clock.advance(5 * 24 * 3_600_000)
    await worker.runOnce()
    expect((await states()).get("busy@acme.test")).toMatchObject({ state: "failed", attempts: 2 })
    desk.storage.clock.advance(31 * 24 * 3_600_000)
    await worker.clean()
    expect(await desk.rows()).toEqual([])
  })

  it("that the mail server took over without saying so are sent again with the same Message-ID", async () => {
    const receiver = await aReceiver({ breakAfterData: 1 })
    const desk = await aDesk(await open())
    await desk.write()
    const worker = desk.worker(configFor(receiver))
    await worker.runOnce()
    expect(await desk.rows()).toMatchObject([{ state: "pending" }])
    desk.storage.clock.advance(60_000)
    await worker.runOnce()
    expect(await desk.rows()).toMatchObject([{ state: "sent" }])
    const ids = receiver.mails.map((mail) => headerOf(mail, "Message-ID"))
    expect(ids).toHaveLength(2)
    expect(ids[0]).toBe(ids[1])
  })
}

function describeProcesses(open: OpenTestStorage): void {
  it("that waited when a server died are sent by the next", async () => {
    const receiver = await aReceiver()
    const storage = await open()
    const desk = await aDesk(storage)
    await desk.write()
    await storage.database.close()
    const next = await open({ sameAs: storage })
    await new MailWorker(next, configFor(receiver), new Outbox(next, { isOpen: true })).runOnce()
    expect(receiver.mails).toHaveLength(1)
  })

  it("are sent by one server at a time, and by another when the first is done", async () => {
    const receiver = await aReceiver()
    const storage = await open()
    const desk = await aDesk(storage)
    const other = storage.connectionUri === undefined ? storage : await open({ sameAs: storage })
    const workers = [desk.worker(configFor(receiver)), desk.worker(configFor(receiver), other)]
    for (let count = 0; count < 8; count += 1) await desk.write()
    await Promise.all(workers.map((worker) => worker.runOnce()))
    await Promise.all(workers.map((worker) => worker.runOnce()))
    expect(receiver.mails).toHaveLength(8)
    await desk.write()
    await desk.worker(configFor(receiver), other).runOnce()
    expect(receiver.mails).toHaveLength(9)
  })

  it("are sent because they were added, by a worker that runs and does not wait until it looks again", async () => {
    const receiver = await aReceiver()
    const desk = await aDesk(await open())
    const worker = desk.worker(configFor(receiver))
    startWithoutIntervals(worker)
    await desk.write()
    await expect.poll(() => receiver.mails.length).toBe(1)
    await worker.stop()
  })
}
