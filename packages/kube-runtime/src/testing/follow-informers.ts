import { afterEach } from "vitest"
import type { KubeClient } from "../client.ts"
import { CONFIG_MAPS, type ConfigMapObject } from "../core-resources.ts"
import type { Change, Informer } from "../informer.ts"
import type { KubeObject } from "../resource.ts"

/** For tests that follow informers: each is ended after its test, with whatever else was left to clean up. */
export function followInformers() {
  const cleanUp: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of cleanUp.splice(0).reverse()) await end()
  })

  /** Starts the informer and writes down what it tells, as `kind name`. */
  function follow<T extends KubeObject>(informer: Informer<T>) {
    const told: string[] = []
    const changes: Change<T>[] = []
    informer.subscribe((change) => {
      changes.push(change)
      told.push(`${change.kind} ${change.object.metadata.name}`)
    })
    const stop = new AbortController()
    const ended = informer.run(stop.signal)
    cleanUp.push(async () => {
      stop.abort()
      await ended
    })
    return { told, changes, stop, ended }
  }
  return { follow, cleanUpWith: (end: () => unknown) => void cleanUp.push(end) }
}

export function createConfigMap(
  client: KubeClient,
  namespace: string,
  name: string,
  more: Partial<ConfigMapObject> = {},
): Promise<ConfigMapObject> {
  return client.create(CONFIG_MAPS, { ...more, metadata: { namespace, name, ...more.metadata } })
}
