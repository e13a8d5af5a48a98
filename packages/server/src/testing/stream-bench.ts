/** A server with audit streams, and workers that work when told to. */
import type { TestStorage } from "@coffer/testkit"
import { AuditStreamWorker, type LocalStreams } from "../features/audit-streams/index.ts"
import { anInstance, aProject, type Instance, TestApp } from "./test-app.ts"
import { WebhookReceiver } from "./webhook-receiver.ts"

/** Of one delivery: short, since some wait for it, and long enough for a busy machine. */
const streamTimeoutMs = 1_500

type Json = Readonly<Record<string, unknown>>
// biome-ignore lint/suspicious/noExplicitAny: tests look into records of every shape
type Line = any

export class StreamBench {
  readonly instance: Instance
  readonly project: string
  readonly storage: TestStorage

  private constructor(instance: Instance, project: string, storage: TestStorage) {
    this.instance = instance
    this.project = project
    this.storage = storage
  }

  static async make(
    storage: TestStorage,
    config: Parameters<typeof anInstance>[1] = {},
  ): Promise<StreamBench> {
    const instance = await anInstance(storage, { allowInternalConnections: true, ...config })
    return new StreamBench(instance, (await aProject(instance)).id, storage)
  }

  /** As another process on the same database has one. */
  worker(
    of: { readonly local?: LocalStreams; readonly storage?: TestStorage; readonly allow?: boolean } = {},
  ): AuditStreamWorker {
    const { storage = this.storage, local = {}, allow = true } = of
    const { features } = storage === this.storage ? this.instance.test.app : new TestApp(storage).app
    const { log } = storage
    return new AuditStreamWorker({
      ...features,
      log,
      local,
      allowInternalConnections: allow,
      streamTimeoutMs,
    })
  }

  call(method: string, path = "", body?: Json, token = this.instance.adminToken) {
    const url = `/coffer/v1/audit-streams${path}`
    return this.instance.test.call(method, url, body === undefined ? { token } : { token, body })
  }

  async ok(method: string, path = "", body?: Json): Promise<Line> {
    const answer = await this.call(method, path, body)
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.body
  }

  async create(name: string, destination: Json): Promise<Line> {
    return (await this.ok("POST", "", { name, destination })).auditStream
  }

  async stream(id: string): Promise<Line> {
    return (await this.ok("GET", `/${id}`)).auditStream
  }

  /** Causes as many events, one batch each. */
  async work(count: number): Promise<void> {
    const { test, adminToken: token } = this.instance
    for (let index = 0; index < count; index += 1)
      await test.ok("GET", `/v1/projects/${this.project}`, { token })
  }

  /** Sequence numbers of the log from one on, and where it ends. */
  async end(): Promise<{ readonly logId: string; readonly size: number }> {
    const head = await this.storage.database.reader
      .selectFrom("audit_head")
      .select(["log_id as logId", "size"])
      .orderBy("size", "desc")
      .limit(1)
      .executeTakeFirstOrThrow()
    return head
  }
}

/** Records that a receiver of webhooks got as lines of JSON. */
export class StreamReceiver extends WebhookReceiver {
  static override async start(): Promise<StreamReceiver> {
    const receiver = new StreamReceiver()
    await receiver.listen()
    return receiver
  }

  protected override parse(text: string): unknown {
    return linesOf(text)
  }

  get records(): Line[] {
    return this.received.flatMap((one) => one.json)
  }
}

export function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
}

/** The sequence numbers of events, in the order they came. */
export function seqsOf(records: readonly Line[]): number[] {
  return records.filter((record) => record.kind === "event").map((record) => record.seq)
}

export function range(from: number, before: number): number[] {
  return Array.from({ length: before - from }, (_, index) => from + index)
}

/** A destination, as it is asked for. */
export const toHttp = (receiver: StreamReceiver, more: object = {}) => {
  return { kind: "http", url: receiver.url, ...more }
}
export const toSyslog = (port: number, protocol: string, more: object = {}) => {
  return { kind: "syslog", host: "127.0.0.1", port, protocol, ...more }
}
