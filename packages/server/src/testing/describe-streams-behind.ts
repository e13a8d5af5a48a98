import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it, onTestFinished } from "vitest"
import { StreamBench, StreamReceiver } from "./stream-bench.ts"
import { answers } from "./webhook-receiver.ts"

const hourMs = 60 * 60 * 1_000

export function describeStreamsBehind(openStorage: OpenTestStorage): void {
  async function aStream() {
    const bench = await StreamBench.make(await openStorage())
    const receiver = await StreamReceiver.start()
    onTestFinished(() => receiver.close())
    receiver.behave = answers.fails
    const since = bench.storage.clock.now()
    const { id } = await bench.create("siem", { kind: "http", url: receiver.url })
    const told = () => bench.storage.log.entries.filter(({ message }) => message.includes("behind"))
    return { bench, receiver, since, id, told }
  }

  it("one that falls behind by more than an hour is told of in the log, once, and so is that it caught up", async () => {
    const { bench, receiver, since, id, told } = await aStream()
    const worker = bench.worker()
    await worker.runOnce()
    bench.storage.clock.advance(hourMs)
    await worker.watch()
    expect(told()).toEqual([])
    bench.storage.clock.advance(1)
    await worker.watch()
    await worker.watch()
    const oldestUndeliveredAt = new Date(since).toISOString()
    const warning = { level: "warn", fields: { auditStreamId: id, lag: 1, oldestUndeliveredAt } }
    expect(told()).toMatchObject([warning])
    receiver.behave = answers.ok
    await worker.runOnce()
    await worker.watch()
    expect(told()).toMatchObject([warning, { level: "info", fields: { auditStreamId: id } }])
    receiver.behave = answers.fails
    await bench.work(1)
    await worker.runOnce()
    bench.storage.clock.advance(2 * hourMs)
    await worker.watch()
    expect(told()).toMatchObject([warning, { level: "info" }, { level: "warn" }])
  })

  it("how far one is behind is shown, also of one that is disabled", async () => {
    const { bench, receiver, since, id } = await aStream()
    const oldestUndeliveredAt = new Date(since).toISOString()
    const healthOf = async () => (await bench.stream(id)).health
    expect(await healthOf()).toMatchObject({ isBehind: false, oldestUndeliveredAt })
    bench.storage.clock.advance(hourMs + 1)
    expect(await healthOf()).toMatchObject({ isBehind: true, oldestUndeliveredAt })
    await bench.ok("PATCH", `/${id}`, { isEnabled: false })
    expect(await healthOf()).toMatchObject({ state: "disabled", isBehind: true, oldestUndeliveredAt })
    await bench.ok("PATCH", `/${id}`, { isEnabled: true })
    receiver.behave = answers.ok
    await bench.worker().runOnce()
    expect(await healthOf()).toMatchObject({ isBehind: false, oldestUndeliveredAt: null, lag: 0 })
  })

  it("what retention removed before one had it counts as missing since then, until the gap is told", async () => {
    const { bench, id } = await aStream()
    await bench.storage.database.write(({ db }) => db.deleteFrom("audit_event").execute())
    const { health } = await bench.stream(id)
    expect(health).toMatchObject({ lag: 1, oldestUndeliveredAt: expect.any(String) })
  })
}
