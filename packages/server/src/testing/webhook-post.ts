/** A server with webhooks, somebody who receives them, and workers that work when told to. */
import type { OpenTestStorage } from "@coffer/testkit"
import { WebhookWorker } from "../features/webhooks/index.ts"
import { anInstance, aProject, TestApp } from "./test-app.ts"
import { WebhookReceiver } from "./webhook-receiver.ts"
import { Workbench } from "./workbench.ts"

/** Of one request: short, since some wait for it, and long enough for a busy machine. */
export const timeoutMs = 1_500
type Json = Readonly<Record<string, unknown>>

type Storage = Awaited<ReturnType<OpenTestStorage>>

/** A project with a receiver, and a worker that works when told to. */
export class Post {
  readonly bench: Workbench
  readonly storage: Storage
  readonly receiver: WebhookReceiver
  readonly worker: WebhookWorker

  constructor(bench: Workbench, receiver: WebhookReceiver) {
    this.bench = bench
    this.storage = bench.instance.test.storage
    this.receiver = receiver
    this.worker = this.anotherWorker()
  }

  /** As another process on the same database has one. */
  anotherWorker(storage: Storage = this.storage): WebhookWorker {
    const app = storage === this.storage ? this.bench.instance.test.app : new TestApp(storage).app
    return new WebhookWorker({
      ...app.features,
      log: storage.log,
      allowInternalConnections: true,
      webhookTimeoutMs: timeoutMs,
    })
  }

  close(): unknown {
    return this.receiver.close()
  }

  async create(of: Json = {}) {
    const { webhook } = await this.bench.ok("POST", "/v1/webhooks", { webhookUrl: this.receiver.url, ...of })
    return webhook
  }

  async list(more = "") {
    return (await this.bench.ok("GET", `/v1/webhooks?projectId=${this.bench.project}${more}`)).webhooks
  }

  async deliveries(id: string) {
    return (await this.bench.ok("GET", `/coffer/v1/webhooks/${id}/deliveries`)).deliveries
  }
}

/** Whoever makes one closes it. */
export async function aPost(
  storage: Storage,
  config: { allowInternalConnections?: boolean } = {},
): Promise<Post> {
  const instance = await anInstance(storage, { allowInternalConnections: true, ...config })
  const bench = new Workbench(instance, (await aProject(instance)).id)
  return new Post(bench, await WebhookReceiver.start())
}
