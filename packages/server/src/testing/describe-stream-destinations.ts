/** What each kind of destination of an audit stream gets. */
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aCertificate } from "./a-certificate.ts"
import { closeAfterEach } from "./close-after-each.ts"
import { linesOf, range, StreamBench, StreamReceiver, seqsOf, toHttp, toSyslog } from "./stream-bench.ts"
import { DatagramReceiver, recordOf, SyslogReceiver } from "./stream-receivers.ts"
import { aSecret } from "./test-app.ts"

const opened = closeAfterEach()

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-stream-"))
  opened({ close: () => rmSync(folder, { recursive: true, force: true }) })
  return folder
}

export function describeStreamDestinations(openStorage: OpenTestStorage): void {
  describeHttp(openStorage)
  describeSyslog(openStorage)
  describeLocal(openStorage)
}

function describeHttp(openStorage: OpenTestStorage): void {
  it("carry what happens from now on, in order, with heads, and no value or token", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await StreamReceiver.start())
    const { size: before } = await bench.end()
    const { id } = await bench.create("siem", toHttp(receiver))
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
    const { id } = await bench.create("siem", toHttp(receiver, { format: "json" }))
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
    await bench.create("siem", toHttp(receiver))
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
    await bench.create("syslog", toSyslog(receiver.port, "tcp"))
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
    const to = toSyslog(receiver.port, "tls", { caCertificate: certificate.cert })
    const { id } = await bench.create("trusted", to)
    const other = await bench.create("unknown", toSyslog(receiver.port, "tls"))
    await bench.worker().runOnce()
    expect(receiver.records.map((record) => record.kind)).toEqual(["event", "event", "head"])
    expect((await bench.stream(id)).health.state).toBe("ok")
    const { health } = await bench.stream(other.id)
    expect(health).toMatchObject({ state: "failing", problem: expect.stringContaining("certificate") })
  })

  it("go over UDP, one datagram each, the largest cut down to what identifies them", async () => {
    const bench = await StreamBench.make(await openStorage())
    const receiver = opened(await DatagramReceiver.start())
    await bench.create("udp", toSyslog(receiver.port, "udp"))
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
