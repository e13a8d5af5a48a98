import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"
import { runRetention } from "../audit/index.ts"
import { aCertificate } from "./a-certificate.ts"
import { describeStreamsBehind } from "./describe-streams-behind.ts"
import { linesOf, range, StreamBench, StreamReceiver, seqsOf } from "./stream-bench.ts"
import { DatagramReceiver, recordOf, SyslogReceiver } from "./stream-receivers.ts"
import { aMachine, aSecret } from "./test-app.ts"
import { answers } from "./webhook-receiver.ts"

const dayMs = 86_400_000
const credential = "CANARY-credential-of-the-stream-41c7"

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

function opened<T extends { close(): unknown }>(one: T): T {
  open.push(one)
  return one
}

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-stream-"))
  open.push({ close: () => rmSync(folder, { recursive: true, force: true }) })
  return folder
}

const http = (receiver: StreamReceiver, more: object = {}) => ({ kind: "http", url: receiver.url, ...more })
const syslog = (port: number, protocol: string, more: object = {}) => {
  return { kind: "syslog", host: "127.0.0.1", port, protocol, ...more }
}

export function describeAuditStreams(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "audit streams", (openStorage) => {
    describeManagement(openStorage)
    describeHttp(openStorage)
    describeSyslog(openStorage)
    describeLocal(openStorage)
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
    const made = await bench.create("siem", http(receiver))
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
    const taken = await bench.call("POST", "", { name: "archive", destination: http(receiver) })
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
    const { id } = await bench.create("siem", http(receiver))
    const { token } = await aMachine(bench.instance, { orgRole: "member" })
    for (const [method, path, body] of [
      ["GET", "", undefined],
      ["GET", `/${id}`, undefined],
      ["POST", "", { name: "mine", destination: http(receiver) }],
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
    const { id } = await bench.create("siem", http(receiver, { header }))
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
      http(receiver),
      { kind: "http", url: "http://169.254.169.254/latest" },
      syslog(tcp.port, "tcp"),
      syslog(tcp.port, "udp"),
      { ...syslog(tcp.port, "tls"), host: "::1" },
    ]) {
      const answer = await bench.call("POST", "", { name: "x", destination })
      expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining("not public") } })
    }
    const named = [
      await bench.create("a", { kind: "http", url: `http://localhost:${port}/` }),
      await bench.create("b", { ...syslog(tcp.port, "tcp"), host: "localhost" }),
      await bench.create("c", { ...syslog(tcp.port, "udp"), host: "localhost" }),
    ]
    await bench.worker({ allow: false }).runOnce()
    for (const { id } of named) {
      const { health } = await bench.stream(id)
      expect(health).toMatchObject({ state: "failing", problem: expect.stringContaining("not public") })
    }
    expect([receiver.received, tcp.messages]).toEqual([[], []])
  })
}

function describeHttp(openStorage: OpenTestStorage): void {
  it("carry what happens from now on, in order, with heads, and no value or token", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { size: before } = await bench.end()
    const { id } = await bench.create("siem", http(receiver))
    await aSecret(bench.instance, { project: bench.project, key: "KEY", value: "CANARY-value-77" })
    await bench.work(3)
    const { logId, size } = await bench.end()
    await bench.worker().runOnce()
    expect(seqsOf(receiver.records)).toEqual(range(before, size))
    expect(receiver.records[1]).toMatchObject({ logId, event: { type: "create-secret" } })
    expect(receiver.records.at(-1)).toMatchObject({ kind: "head", logId, size })
    expect(receiver.received[0]?.headers).toMatchObject({ "content-type": "application/x-ndjson" })
    expect(JSON.stringify(receiver.records)).not.toContain("CANARY")
    expect(JSON.stringify(receiver.records)).not.toContain(bench.instance.adminToken)
    await bench.worker().runOnce()
    expect(receiver.received).toHaveLength(1)
    const { health } = await bench.stream(id)
    expect(health).toMatchObject({ state: "ok", problem: null, deliveredAt: expect.any(String) })
  })

  it("go in batches of bounded size, as one object of JSON where that is wanted", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { id } = await bench.create("siem", http(receiver, { format: "json" }))
    const { logId, size: before } = await bench.end()
    const events = Array.from({ length: 1_200 }, (_, index) => ({
      id: `e${index}`,
      at: bench.storage.clock.now(),
      type: "get-projects",
      orgId: bench.instance.orgId,
      projectId: null,
      actor: { type: "platform" } as const,
      source: { ipAddress: "", userAgent: "", userAgentType: "other", requestId: "" },
      metadata: {},
    }))
    await bench.storage.database.record(events, { projectIds: [], actorIds: [] })
    await bench.worker().runOnce()
    const batches = receiver.records.map((batch) => batch.records)
    expect(batches.length).toBeGreaterThan(2)
    for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(501)
    expect(seqsOf(batches.flat())).toEqual(range(before - 1, before + 1_200))
    expect(receiver.received[0]?.headers["x-coffer-batch"]).toMatch(`${id}/${logId}/${before - 1}-`)
  })

  it("carry no event of another organization", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    await bench.create("siem", http(receiver))
    const [event] = await bench.instance.test.auditEvents()
    if (event === undefined) throw new Error("there are events")
    const foreign = { ...event, id: "foreign", orgId: "00000000-0000-4000-8000-0000000000ff" }
    await bench.storage.database.record([foreign], { projectIds: [], actorIds: [] })
    await bench.work(1)
    await bench.worker().runOnce()
    expect(JSON.stringify(receiver.records)).not.toContain("foreign")
    expect(seqsOf(receiver.records)).toHaveLength(2)
  })
}

function describeSyslog(openStorage: OpenTestStorage): void {
  it("go over TCP as messages of RFC 5424 with octet counting", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await SyslogReceiver.start())
    await bench.create("syslog", syslog(receiver.port, "tcp"))
    await bench.work(2)
    await bench.worker().runOnce()
    expect(receiver.messages[1]).toMatch(
      /^<110>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ coffer - get-project - \{"kind":"event","logId"/,
    )
    expect(receiver.records.map((record) => record.event?.type ?? record.kind)).toEqual([
      "create-audit-stream",
      "get-project",
      "get-project",
      "head",
    ])
  })

  it("go over TLS to a receiver whose certificate is right, and to no other", async () => {
    const bench = await StreamBench.make(await openStorage())
    const certificate = await aCertificate()
    const receiver = opened(await SyslogReceiver.start(certificate))
    const to = syslog(receiver.port, "tls", { caCertificate: certificate.cert })
    const { id } = await bench.create("trusted", to)
    const other = await bench.create("unknown", syslog(receiver.port, "tls"))
    await bench.worker().runOnce()
    expect(receiver.records.map((record) => record.kind)).toEqual(["event", "event", "head"])
    expect((await bench.stream(id)).health.state).toBe("ok")
    const { health } = await bench.stream(other.id)
    expect(health).toMatchObject({ state: "failing", problem: expect.stringContaining("certificate") })
  })

  it("go over UDP, one datagram each, the largest cut down to what identifies them", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await DatagramReceiver.start())
    await bench.create("udp", syslog(receiver.port, "udp"))
    const [event] = await bench.instance.test.auditEvents()
    if (event === undefined) throw new Error("there are events")
    const large = { ...event, id: "large", metadata: { name: "x".repeat(100_000) } }
    await bench.storage.database.record([large], { projectIds: [], actorIds: [] })
    await bench.worker().runOnce()
    const records = (await receiver.atLeast(3)).map(recordOf)
    expect(records[0].event.type).toBe("create-audit-stream")
    expect(records[1]).toMatchObject({ isShortened: true, event: { id: "large", type: event.type } })
    expect(records[2].kind).toBe("head")
  })
}

function describeLocal(openStorage: OpenTestStorage): void {
  it("go to a file for its owner alone, that is rotated by renaming it", async () => {
    const bench = await StreamBench.make(await openStorage())
    const file = join(aFolder(), "audit.ndjson")
    const worker = bench.worker({ local: { auditStreamFile: file } })
    await worker.prepare()
    const { size: before } = await bench.end()
    await bench.work(2)
    await worker.runOnce()
    renameSync(file, `${file}.1`)
    await bench.work(2)
    await worker.runOnce()
    expect(seqsOf(linesOf(readFileSync(`${file}.1`, "utf8")))).toEqual(range(before, before + 2))
    expect(seqsOf(linesOf(readFileSync(file, "utf8")))).toEqual(range(before + 2, before + 4))
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it("begin a line of their own behind one that a crash cut in two", async () => {
    const bench = await StreamBench.make(await openStorage())
    const file = join(aFolder(), "audit.ndjson")
    const worker = bench.worker({ local: { auditStreamFile: file } })
    await worker.prepare()
    writeFileSync(file, '{"kind":"event","logId":"')
    await bench.work(1)
    await worker.runOnce()
    const [torn, ...whole] = readFileSync(file, "utf8").split("\n").filter(Boolean)
    expect(torn).toBe('{"kind":"event","logId":"')
    expect(whole.map((line) => JSON.parse(line).kind)).toEqual(["event", "head"])
  })

  it("go to standard output, and keep one batch in memory when nobody reads it", async () => {
    const bench = await StreamBench.make(await openStorage())
    let isRead = false
    let waiting: (() => void) | undefined
    const written: string[] = []
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        written.push(String(chunk))
        if (isRead) done()
        else waiting = done
      },
    })
    const worker = bench.worker({ local: { auditStreamOutput: output } })
    await worker.prepare()
    await bench.work(1)
    for (let tries = 0; tries < 4; tries += 1) {
      await worker.runOnce()
      bench.storage.clock.advance(10 * 60_000)
    }
    expect(written).toHaveLength(1)
    const listed = (await bench.ok("GET")).auditStreams
    expect(listed).toEqual([])
    isRead = true
    waiting?.()
    await new Promise((resolve) => setImmediate(resolve))
    await worker.runOnce()
    const records = linesOf(written.join(""))
    expect(new Set(seqsOf(records)).size).toBe(2)
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
    const { id } = await bench.create("a hangs", http(hanging))
    const failed = await bench.create("b fails", http(failing))
    await bench.create("c is good", http(good))
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
  }, 60_000)

  it("one that was changed is tried at once, where it stopped", async () => {
    const bench = await StreamBench.make(await openStorage())
    const [wrong, right] = [opened(await StreamReceiver.start()), opened(await StreamReceiver.start())]
    wrong.behave = answers.fails
    const { id } = await bench.create("siem", http(wrong))
    const { size } = await bench.end()
    const worker = bench.worker()
    await worker.runOnce()
    await bench.ok("PATCH", `/${id}`, { destination: http(right) })
    await worker.runOnce()
    expect(seqsOf(right.records)).toEqual(range(size - 1, size + 1))
  })

  it("one that is disabled rests, and goes on where it stopped when it is enabled", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { size } = await bench.end()
    const { id } = await bench.create("siem", http(receiver))
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
    await bench.create("siem", http(receiver))
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
    await bench.create("siem", http(receiver))
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
    await bench.create("siem", http(receiver))
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
