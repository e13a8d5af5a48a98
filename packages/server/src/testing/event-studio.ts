/** A project whose events are listened to over real connections. */
import type { OpenTestStorage } from "@coffer/testkit"
import { accepted, EventReader, type Subscribing, subscribeTo } from "./event-reader.ts"
import type { TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

export const allEvents = ["secret:create", "secret:update", "secret:delete", "secret:import-mutation"]
const path = "/api/v1/events/subscribe/project-events"

/** What K8S sends: all four events, each with the same place. */
export const registerAt = (environmentSlug: string, secretPath: string) =>
  allEvents.map((event) => ({ event, conditions: { environmentSlug, secretPath } }))

/** A workbench that listens on a port of its own. */
export class Studio {
  readonly bench: Workbench
  readonly url: string
  readonly #listening: Listening
  readonly #readers: EventReader[] = []

  constructor(bench: Workbench, listening: Listening) {
    this.bench = bench
    this.url = listening.url
    this.#listening = listening
  }

  async subscribe(
    of: Partial<Subscribing> & { readonly register?: readonly object[]; readonly at?: string } = {},
  ): Promise<EventReader> {
    const opened = accepted(await this.trySubscribe(of))
    await opened.until(() => opened.pings.length + opened.events.length > 0, "the first event")
    return opened
  }

  async trySubscribe(
    of: Partial<Subscribing> & { readonly register?: readonly object[]; readonly at?: string } = {},
  ) {
    const { register = allEvents.map((event) => ({ event })), at = this.url, ...rest } = of
    const opened = await subscribeTo({
      url: `${at}${path}`,
      token: this.bench.instance.adminToken,
      body: { projectId: this.bench.project, register },
      ...rest,
    })
    if (opened instanceof EventReader) this.#readers.push(opened)
    return opened
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) reader.close()
    await this.#listening.close()
  }
}

/** An app that listens, and hears of what other processes on its database write. */
export type Listening = { readonly url: string; close(): Promise<void> }

export async function listen(test: TestApp): Promise<Listening> {
  const url = await test.app.http.listen({ host: "127.0.0.1", port: 0 })
  const disconnect = test.app.features.signal.connect()
  const close = async () => {
    disconnect()
    await test.app.http.close()
  }
  return { url, close }
}

/** Whoever makes one closes it. */
export async function aStudio(storage: Awaited<ReturnType<OpenTestStorage>>): Promise<Studio> {
  const bench = await aWorkbench(storage)
  return new Studio(bench, await listen(bench.instance.test))
}

/** `to` imports `from`, both in prod. */
export async function addImport(bench: Workbench, to: string, from: string): Promise<void> {
  const source = { environment: "prod", path: from }
  await bench.ok("POST", "/v2/secret-imports", { path: to, import: source })
}

export function dataOf(eventType: string, ...payload: readonly object[]) {
  return { projectType: "secret-manager", data: { eventType, payload } }
}
