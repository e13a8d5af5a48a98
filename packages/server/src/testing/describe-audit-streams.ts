import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { runRetention } from "../audit/index.ts"
import { closeAfterEach } from "./close-after-each.ts"
import { describeStreamDestinations } from "./describe-stream-destinations.ts"
import { describeStreamsBehind } from "./describe-streams-behind.ts"
import { range, StreamBench, StreamReceiver, seqsOf, toHttp, toSyslog } from "./stream-bench.ts"
import { SyslogReceiver } from "./stream-receivers.ts"
import { aMachine } from "./test-app.ts"
import { answers } from "./webhook-receiver.ts"

const dayMs = 86_400_000
const credential = "CANARY-credential-of-the-stream-41c7"

const opened = closeAfterEach()

export function describeAuditStreams(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "audit streams", (openStorage) => {
    describeManagement(openStorage)
    describeStreamDestinations(openStorage)
    describeTrouble(openStorage)
    describeProcesses(openStorage)
    describeRetention(openStorage)
    describeStreamsBehind(openStorage)
  })
}

function describeManagement(openStorage: OpenTestStorage): void {
  it("are made, listed, changed, tested and deleted, each with its event", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const made = await bench.create("siem", toHttp(receiver))
    expect(made).toMatchObject({
      name: "siem",
      kind: "http",
      target: new URL(receiver.url).origin,
      isEnabled: true,
      isConfigured: false,
      health: { state: "ok", problem: null, deliveredAt: null },
    })
    expect((await bench.ok("GET")).auditStreams).toMatchObject([{ id: made.id }])
    expect((await bench.ok("POST", `/${made.id}/test`)).test).toEqual({ isDelivered: true, problem: null })
    expect(receiver.records).toEqual([{ kind: "test", streamId: made.id, at: expect.any(Number) }])
    const changed = await bench.ok("PATCH", `/${made.id}`, { name: "archive", isEnabled: false })
    expect(changed.auditStream).toMatchObject({ name: "archive", health: { state: "disabled" } })
    const taken = await bench.call("POST", "", { name: "archive", destination: toHttp(receiver) })
    expect(taken).toMatchObject({ status: 400, body: { message: expect.stringContaining("'archive'") } })
    await bench.ok("DELETE", `/${made.id}`)
    expect((await bench.ok("GET")).auditStreams).toEqual([])
    for (const [method, path] of [
      ["GET", `/${made.id}`],
      ["PATCH", `/${made.id}`],
      ["DELETE", `/${made.id}`],
      ["POST", `/${made.id}/test`],
    ] as const) {
      expect((await bench.call(method, path, method === "GET" ? undefined : {})).status).toBe(404)
    }
    const types = (await bench.instance.test.auditEvents()).map((event) => event.type)
    for (const verb of ["create", "update", "delete", "test"]) expect(types).toContain(`${verb}-audit-stream`)
  })

  it("are for administrators of the organization alone", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { id } = await bench.create("siem", toHttp(receiver))
    const { token } = await aMachine(bench.instance, { orgRole: "member" })
    for (const [method, path, body] of [
      ["GET", "", undefined],
      ["GET", `/${id}`, undefined],
      ["POST", "", { name: "mine", destination: toHttp(receiver) }],
      ["PATCH", `/${id}`, { isEnabled: false }],
      ["POST", `/${id}/test`, {}],
      ["DELETE", `/${id}`, {}],
    ] as const) {
      expect((await bench.call(method, path, body, token)).status, `${method} ${path}`).toBe(403)
    }
    expect(receiver.received).toEqual([])
  })

  it("keep address and credential sealed, and show neither again", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const header = { name: "Authorization", value: `Bearer ${credential}` }
    const { id } = await bench.create("siem", toHttp(receiver, { header }))
    const shown = [await bench.ok("GET"), await bench.stream(id), await bench.instance.test.auditEvents()]
    expect(JSON.stringify(shown)).not.toMatch(/CANARY|in-the-url/)
    const row = await bench.storage.database.reader
      .selectFrom("audit_stream")
      .selectAll()
      .executeTakeFirstOrThrow()
    const stored = Buffer.from(row.credential_sealed ?? []).toString("latin1") + JSON.stringify(row)
    expect(stored).not.toMatch(/CANARY|in-the-url/)
    await bench.ok("POST", `/${id}/test`)
    expect(receiver.received[0]?.headers).toMatchObject({ authorization: `Bearer ${credential}` })
  })

  it.for([
    { kind: "file", path: "/etc/cron.d/x" },
    { kind: "file", auditStreamFile: "/etc/cron.d/x" },
    { kind: "stdout" },
    { kind: "http", url: "file:///etc/cron.d/x" },
    { kind: "http", url: "https://siem.example.test/", file: "/etc/cron.d/x" },
    { kind: "syslog", host: "/dev/log", port: 514 },
  ])("CVE-2025-6000, CVE-2025-54997: no request names a file of the server: %o", async (destination) => {
    const bench = await StreamBench.make(await openStorage())
    const answer = await bench.call("POST", "", { name: "x", destination })
    expect(answer.status).toBe(422)
    expect(answer.text).not.toContain("/etc/cron.d")
  })

  it("reach no address that is not public, unless that is allowed", async () => {
    const bench = await StreamBench.make(await openStorage(), { allowInternalConnections: false })
    const receiver = opened(await StreamReceiver.start())
    const tcp = opened(await SyslogReceiver.start())
    const { port } = new URL(receiver.url)
    for (const destination of [
      toHttp(receiver),
      { kind: "http", url: "http://169.254.169.254/latest" },
      toSyslog(tcp.port, "tcp"),
      toSyslog(tcp.port, "udp"),
      { ...toSyslog(tcp.port, "tls"), host: "::1" },
    ]) {
      const answer = await bench.call("POST", "", { name: "x", destination })
      expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining("not public") } })
    }
    const named = [
      await bench.create("a", { kind: "http", url: `http://localhost:${port}/` }),
      await bench.create("b", { ...toSyslog(tcp.port, "tcp"), host: "localhost" }),
      await bench.create("c", { ...toSyslog(tcp.port, "udp"), host: "localhost" }),
    ]
    await bench.worker({ allow: false }).runOnce()
    for (const { id } of named) {
      const { health } = await bench.stream(id)
      expect(health).toMatchObject({ state: "failing", problem: expect.stringContaining("not public") })
    }
    expect([receiver.received, tcp.messages]).toEqual([[], []])
  })
}

function describeTrouble(openStorage: OpenTestStorage): void {
  it("one that hangs or fails holds up neither another nor a request, and rests longer each time", async () => {
    const bench = await StreamBench.make(await openStorage())
    const [hanging, failing, good] = [
      opened(await StreamReceiver.start()),
      opened(await StreamReceiver.start()),
      opened(await StreamReceiver.start()),
    ]
    hanging.behave = answers.hangs
    failing.behave = answers.fails
    const stuck = opened(await SyslogReceiver.start())
    stuck.isStuck = true
    const { id } = await bench.create("a hangs", toHttp(hanging))
    const failed = await bench.create("b fails", toHttp(failing))
    await bench.create("c is good", toHttp(good))
    const worker = bench.worker()
    const running = worker.runOnce()
    await bench.work(2)
    await running
    expect(seqsOf(good.records).length).toBeGreaterThan(0)
    const { health, ...rest } = await bench.stream(failed.id)
    expect(health).toMatchObject({ state: "failing", problem: "The receiver answered with status 500" })
    expect(JSON.stringify([health, rest, bench.storage.log.entries])).not.toContain("a secret detail")
    expect((await bench.stream(id)).health.problem).toContain("did not answer within")
    expect(health.lag).toBeGreaterThan(0)
    const tries = failing.received.length
    await worker.runOnce()
    expect(failing.received).toHaveLength(tries)
    bench.storage.clock.advance(1_000)
    await worker.runOnce()
    expect(failing.received).toHaveLength(tries + 1)
    bench.storage.clock.advance(1_000)
    await worker.runOnce()
    expect(failing.received).toHaveLength(tries + 1)
    failing.behave = answers.ok
    hanging.behave = answers.ok
    bench.storage.clock.advance(10_000)
    await worker.runOnce()
    const delivered = failing.received.at(-1)?.json ?? []
    expect(seqsOf(delivered)).toEqual(range(seqsOf(delivered)[0] ?? 0, (await bench.end()).size))
    expect((await bench.stream(failed.id)).health).toMatchObject({ state: "ok", problem: null })
  })

  it("one that was changed is tried at once, where it stopped", async () => {
    const bench = await StreamBench.make(await openStorage())
    const [wrong, right] = [opened(await StreamReceiver.start()), opened(await StreamReceiver.start())]
    wrong.behave = answers.fails
    const { id } = await bench.create("siem", toHttp(wrong))
    const { size } = await bench.end()
    const worker = bench.worker()
    await worker.runOnce()
    await bench.ok("PATCH", `/${id}`, { destination: toHttp(right) })
    await worker.runOnce()
    expect(seqsOf(right.records)).toEqual(range(size - 1, size + 1))
  })

  it("one that is disabled rests, and goes on where it stopped when it is enabled", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { size } = await bench.end()
    const { id } = await bench.create("siem", toHttp(receiver))
    await bench.ok("PATCH", `/${id}`, { isEnabled: false })
    const worker = bench.worker()
    await worker.runOnce()
    expect(receiver.received).toEqual([])
    await bench.ok("PATCH", `/${id}`, { isEnabled: true })
    await worker.runOnce()
    expect(seqsOf(receiver.records)).toEqual(range(size, size + 3))
  })
}

function describeProcesses(openStorage: OpenTestStorage): void {
  it("one process serves a stream at a time, and another goes on at once where it stopped", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { size } = await bench.end()
    await bench.create("siem", toHttp(receiver))
    const [first, second] = [bench.worker(), bench.worker()]
    await first.runOnce()
    await bench.work(1)
    await second.runOnce()
    expect(seqsOf(receiver.records)).toEqual(range(size, size + 1))
    await first.stop()
    bench.storage.clock.advance(20_000)
    await second.runOnce()
    expect(seqsOf(receiver.records)).toEqual(range(size, size + 2))
  })

  it("a process that dies between sending and noting it repeats one batch and loses none", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    await bench.create("siem", toHttp(receiver))
    const { size } = await bench.end()
    const dying = bench.worker()
    receiver.behave = (response) => {
      // What the receiver has, the sender never learns.
      response.destroy()
    }
    await dying.runOnce()
    receiver.behave = answers.ok
    bench.storage.clock.advance(120_000)
    await bench.work(2)
    const next = bench.worker()
    await next.runOnce()
    const [first, ...others] = receiver.received.map((one) => seqsOf(one.json))
    expect(first).toEqual([size - 1])
    expect(others.flat()).toEqual(range(size - 1, size + 2))
  })
}

function describeRetention(openStorage: OpenTestStorage): void {
  async function retain({ storage }: StreamBench): Promise<void> {
    const { database, keyring: signer, clock, random, log } = storage
    for (let run = 0; run < 4; run += 1) {
      await runRetention({ database, signer, clock, random, log }, { pauseMs: 0 })
    }
  }

  it("what a stream has not had is kept a week longer, and what goes then is told as a gap", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { size: start } = await bench.end()
    await bench.create("siem", toHttp(receiver))
    await bench.work(3)
    await bench.storage.database.write(({ db }) =>
      db.updateTable("organization").set({ audit_retention_days: 30 }).execute(),
    )
    bench.storage.clock.advance(31 * dayMs)
    await retain(bench)
    const seqs = async () =>
      (
        await bench.storage.database.reader.selectFrom("audit_event").select("seq").orderBy("seq").execute()
      ).map((row) => row.seq)
    expect((await seqs())[0]).toBe(start)
    bench.storage.clock.advance(7 * dayMs)
    await retain(bench)
    const left = (await seqs())[0] ?? 0
    expect(left).toBeGreaterThan(start)
    await bench.worker().runOnce()
    expect(receiver.records[0]).toMatchObject({ kind: "gap", from: start, to: left - 1 })
  })
}
