import { describe, expect, it } from "vitest"
import { type ControllerOptions, createController, done, type ReconcileResult } from "./controller.ts"
import { KubeApiError, TerminalError } from "./errors.ts"
import type { LogFields, Logger } from "./logger.ts"
import { createMetricsRegistry } from "./metrics.ts"
import type { Enqueue } from "./request.ts"
import { FakeClock, settle } from "./testing/fake-clock.ts"

type Line = { level: string; message: string } & LogFields

/** Keeps every line with the bindings of its child. */
function aLogger(lines: Line[], bindings: LogFields = {}): Logger {
  const at = (level: string) => (fields: LogFields, message: string) => {
    lines.push({ ...bindings, ...fields, level, message })
  }
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (more) => aLogger(lines, { ...bindings, ...more }),
  }
}

/** A controller that is running, whose source is the returned `enqueue`. */
function aRunningController(options: Partial<ControllerOptions> & Pick<ControllerOptions, "reconcile">) {
  const clock = new FakeClock()
  const metrics = createMetricsRegistry()
  const lines: Line[] = []
  const stop = new AbortController()
  const abort = new AbortController()
  const source: { enqueue: Enqueue; isStarted: boolean } = { enqueue: () => {}, isStarted: false }
  const controller = createController({
    name: "widgets",
    sources: [
      {
        informers: [],
        start(enqueue) {
          Object.assign(source, { enqueue, isStarted: true })
          return () => Object.assign(source, { isStarted: false })
        },
      },
    ],
    clock,
    metrics,
    random: () => 0.5,
    logger: aLogger(lines),
    ...options,
  })
  const ended = controller.run({ stop: stop.signal, abort: abort.signal })
  const enqueue = (name: string) => source.enqueue({ namespace: "apps", name })
  const count = (name: string, labels = {}) => metrics.read(name, { controller: "widgets", ...labels })
  return { controller, clock, lines, stop, abort, ended, enqueue, count, source }
}

describe("a controller", () => {
  it("passes namespace and name and does nothing more after done", async () => {
    const seen: unknown[] = []
    const { clock, enqueue, count } = aRunningController({
      reconcile: async (request) => {
        seen.push(request)
        return done
      },
    })
    enqueue("a")
    await clock.advance(3_600_000)
    expect(seen).toEqual([{ namespace: "apps", name: "a" }])
    expect(count("controller_runtime_reconcile_total", { result: "success" })).toBe(1)
  })

  it("comes back after the time asked for, and sooner when something changes", async () => {
    const times: number[] = []
    const { clock, enqueue } = aRunningController({
      reconcile: async () => {
        times.push(clock.monotonicMs())
        return { requeueAfterMs: 60_000 }
      },
    })
    enqueue("a")
    await clock.advance(60_000)
    await clock.advance(10_000)
    enqueue("a")
    await clock.advance(60_000)
    expect(times).toEqual([0, 60_000, 70_000, 130_000])
  })

  it("retries a thrown error with growing pauses and starts over after a success", async () => {
    const times: number[] = []
    const { clock, enqueue, lines, count } = aRunningController({
      reconcile: async (_request, _signal, { failures }) => {
        times.push(clock.monotonicMs())
        if (failures < 3) throw new Error("the store is away")
        return done
      },
    })
    enqueue("a")
    await clock.advance(600_000)
    expect(times).toEqual([0, 1_000, 3_000, 7_000])
    enqueue("a")
    await clock.advance(1_000)
    expect(times.slice(4)).toEqual([600_000, 601_000])
    expect(count("controller_runtime_reconcile_errors_total")).toBe(5)
    expect(lines[0]).toMatchObject({
      level: "error",
      message: "reconcile failed, trying again",
      controller: "widgets",
      namespace: "apps",
      name: "a",
      reconcileId: "800000000000",
    })
  })

  it("gives up at a terminal error until something changes", async () => {
    let runs = 0
    const { clock, enqueue, lines, count } = aRunningController({
      reconcile: async () => {
        runs++
        throw new TerminalError("the spec makes no sense")
      },
    })
    enqueue("a")
    await clock.advance(3_600_000)
    expect(runs).toBe(1)
    expect(lines.map((line) => line.message)).toEqual(["reconcile failed for good"])
    expect(count("controller_runtime_terminal_reconcile_errors_total")).toBe(1)
    enqueue("a")
    await settle()
    expect(runs).toBe(2)
  })

  it("survives a reconcile that throws synchronously and one that rejects with no error at all", async () => {
    const seen: string[] = []
    const { clock, enqueue, count } = aRunningController({
      reconcile: (request) => {
        seen.push(request.name)
        if (request.name === "sync") throw new TypeError("x is not a function")
        if (request.name === "odd") return Promise.reject("no error object")
        return Promise.resolve(done)
      },
    })
    for (const name of ["sync", "odd", "fine"]) enqueue(name)
    await clock.advance(500)
    expect(seen).toEqual(["sync", "odd", "fine"])
    expect(count("controller_runtime_reconcile_panics_total")).toBe(2)
  })

  it("retries a conflict without an error line", async () => {
    let runs = 0
    const { clock, enqueue, lines } = aRunningController({
      reconcile: async () => {
        runs++
        if (runs === 1) throw new KubeApiError(409, { reason: "Conflict", message: "changed meanwhile" })
        return done
      },
    })
    enqueue("a")
    await clock.advance(1_000)
    expect(runs).toBe(2)
    expect(lines.map((line) => line.level)).toEqual(["debug"])
  })

  it.for<{ why: string; result: ReconcileResult }>([
    { why: "asked to", result: { requeueWithBackoff: true } },
    { why: "asked for no time at all", result: { requeueAfterMs: 0 } },
    { why: "asked for a time in the past", result: { requeueAfterMs: -5 } },
    { why: "asked for a time that is no number", result: { requeueAfterMs: Number.NaN } },
  ])("comes back with back-off when $why", async ({ result }) => {
    const times: number[] = []
    const { clock, enqueue, lines } = aRunningController({
      reconcile: async () => {
        times.push(clock.monotonicMs())
        return result
      },
    })
    enqueue("a")
    await clock.advance(7_000)
    expect(times).toEqual([0, 1_000, 3_000, 7_000])
    expect(lines).toEqual([])
  })

  it("works on several objects at once, but never twice on one", async () => {
    const running = new Map<string, number>()
    let most = 0
    const { clock, enqueue } = aRunningController({
      concurrency: 3,
      reconcile: async ({ name }) => {
        running.set(name, (running.get(name) ?? 0) + 1)
        expect(running.get(name)).toBe(1)
        most = Math.max(most, [...running.values()].filter((count) => count > 0).length)
        await new Promise<void>((resolve) => clock.schedule(1_000, resolve))
        running.set(name, 0)
        return done
      },
    })
    for (const name of ["a", "b", "c", "d", "a", "b"]) enqueue(name)
    await clock.advance(500)
    for (const name of ["a", "b"]) enqueue(name)
    await clock.advance(10_000)
    expect(most).toBe(3)
    expect(running.size).toBe(4)
  })

  it("fires the signal at the time-out and tries again later", async () => {
    const reasons: unknown[] = []
    const { clock, enqueue, count } = aRunningController({
      reconcileTimeoutMs: 2_000,
      reconcile: (_request, signal) =>
        new Promise((resolve, reject) => {
          if (reasons.length > 0) resolve(done)
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason)
            reject(signal.reason)
          })
        }),
    })
    enqueue("a")
    await clock.advance(3_000)
    expect(reasons).toHaveLength(1)
    expect(count("controller_runtime_reconcile_timeouts_total")).toBe(1)
    expect(count("controller_runtime_reconcile_total", { result: "success" })).toBe(1)
  })

  it("goes on with other objects when a reconcile ignores its signal, and keeps that object to itself", async () => {
    const seen: string[] = []
    let finish = () => {}
    const { clock, enqueue, controller } = aRunningController({
      reconcileTimeoutMs: 1_000,
      reconcile: ({ name }) => {
        seen.push(name)
        if (name !== "stuck" || seen.filter((each) => each === "stuck").length > 1)
          return Promise.resolve(done)
        return new Promise((resolve) => {
          finish = () => resolve(done)
        })
      },
    })
    for (const name of ["stuck", "fine"]) enqueue(name)
    await clock.advance(1_000)
    expect(seen).toEqual(["stuck"])
    await clock.advance(5_000)
    expect(seen).toEqual(["stuck", "fine"])
    enqueue("stuck")
    await clock.advance(60_000)
    expect(seen).toEqual(["stuck", "fine"])
    finish()
    await settle()
    expect(seen).toEqual(["stuck", "fine", "stuck"])
    expect(controller.health().processing).toBe(0)
  })

  it("lets what runs finish at a graceful stop and starts nothing new", async () => {
    const log: string[] = []
    const { clock, stop, ended, enqueue, source, controller } = aRunningController({
      reconcile: async ({ name }, signal) => {
        await new Promise<void>((resolve) => clock.schedule(3_000, resolve))
        log.push(`${name} ${signal.aborted ? "aborted" : "finished"}`)
        return done
      },
    })
    enqueue("a")
    enqueue("b")
    await clock.advance(1_000)
    stop.abort()
    await clock.advance(2_000)
    await ended
    expect(log).toEqual(["a finished"])
    expect(source.isStarted).toBe(false)
    expect(controller.health()).toMatchObject({ running: false, queued: 0 })
  })

  it("aborts what does not finish within the drain bound", async () => {
    const { clock, stop, ended, enqueue, lines } = aRunningController({
      drainMs: 2_000,
      reconcile: (_request, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    })
    enqueue("a")
    await clock.advance(0)
    stop.abort()
    await clock.advance(2_000)
    await ended
    expect(lines).toEqual([])
  })

  it("stops within its bounds even if a reconcile never ends", async () => {
    const { clock, stop, ended, enqueue, lines } = aRunningController({
      drainMs: 2_000,
      reconcile: () => new Promise(() => {}),
    })
    enqueue("a")
    await clock.advance(0)
    stop.abort()
    await clock.advance(7_000)
    await ended
    expect(lines.map((line) => line.message)).toEqual(["reconciles did not end with their signal"])
  })

  it("cuts running reconciles off at once when leadership is lost", async () => {
    let abortedAtMs: number | undefined
    const { clock, abort, ended, enqueue } = aRunningController({
      reconcile: (_request, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            abortedAtMs = clock.monotonicMs()
            reject(signal.reason)
          }),
        ),
    })
    enqueue("a")
    await clock.advance(500)
    abort.abort()
    await clock.advance(0)
    await ended
    expect(abortedAtMs).toBe(500)
  })

  it("can run again after it stopped", async () => {
    let runs = 0
    const { clock, stop, ended, controller, source } = aRunningController({
      reconcile: async () => {
        runs++
        return done
      },
    })
    stop.abort()
    await ended
    const again = new AbortController()
    const second = controller.run({ stop: again.signal })
    source.enqueue({ namespace: "", name: "cluster-wide" })
    await clock.advance(0)
    again.abort()
    await clock.advance(0)
    await second
    expect(runs).toBe(1)
  })

  it("refuses to run twice at once", async () => {
    const { controller, stop, ended } = aRunningController({ reconcile: async () => done })
    await expect(controller.run({ stop: stop.signal })).rejects.toThrow("is running")
    stop.abort()
    await ended
  })
})
