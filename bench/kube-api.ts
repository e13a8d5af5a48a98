/**
 * A bare client of an API server: JSON over one pool of connections, nothing else. It is what the
 * operator is compared with, so it must not use the operator's own runtime.
 */
import { Pool } from "undici"

export type KubeApi = {
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown>
  /** Calls `onObject` with every object of a watch until `stop()`; a watch that ends starts again with all objects. */
  watch(path: string, onObject: (type: string, object: never) => void): { stop(): void }
  /** Requests the API server has answered so far, by "VERB resource/subresource", from its own metrics. */
  requestCounts(): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}

export function createKubeApi(server: { url: string; token: string; ca: string | Uint8Array }): KubeApi {
  const pool = new Pool(server.url, { connections: 32, connect: { ca: Buffer.from(server.ca) } })
  const headers = { authorization: `Bearer ${server.token}`, accept: "application/json" }
  return {
    async request(method, path, body, contentType = "application/json") {
      const answer = await pool.request({
        method: method as "GET",
        path,
        headers: { ...headers, "content-type": contentType },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.body.text()
      if (answer.statusCode >= 300)
        throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`)
      return JSON.parse(text) as unknown
    },
    watch(path, onObject) {
      const abort = new AbortController()
      void followForEver(abort.signal)
      return { stop: () => abort.abort() }

      async function followForEver(signal: AbortSignal) {
        while (!signal.aborted) {
          try {
            await follow(signal)
          } catch (error) {
            if (!signal.aborted) console.error(`watch ${path} broke and is started again: ${String(error)}`)
          }
        }
      }

      async function follow(signal: AbortSignal) {
        const answer = await pool.request({ method: "GET", path, headers, signal, bodyTimeout: 0 })
        let rest = ""
        for await (const chunk of answer.body) {
          const lines = (rest + String(chunk)).split("\n")
          rest = lines.pop() ?? ""
          for (const line of lines) {
            const event = JSON.parse(line) as { type: string; object: never }
            onObject(event.type, event.object)
          }
        }
      }
    },
    async requestCounts() {
      const answer = await pool.request({ method: "GET", path: "/metrics", headers })
      const counts = new Map<string, number>()
      for (const line of (await answer.body.text()).split("\n")) {
        const match = /^apiserver_request_total\{(.*)\} ([\d.e+]+)$/.exec(line)
        if (match === null) continue
        const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(match[1] ?? "")?.[1] ?? ""
        const subresource = label("subresource")
        const name = `${label("verb")} ${label("resource")}${subresource === "" ? "" : `/${subresource}`}`
        counts.set(name, (counts.get(name) ?? 0) + Number(match[2]))
      }
      return counts
    },
    close: () => pool.destroy(),
  }
}

/** Runs `work` on every item, at most `concurrency` at a time. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<unknown>,
) {
  const queue = items.values()
  const workers = Array.from({ length: concurrency }, async () => {
    for (const item of queue) await work(item)
  })
  await Promise.all(workers)
}
