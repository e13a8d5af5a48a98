import type { Change, Informer } from "./informer.ts"
import type { Enqueue, ReconcileRequest } from "./request.ts"
import { type KubeObject, keyOf } from "./resource.ts"

/** Something that knows when an object should be looked at. */
export interface Source {
  /** Informers that must be in sync before the controller starts. */
  readonly informers: readonly { hasSynced(): boolean; waitForSync(signal: AbortSignal): Promise<void> }[]
  /** Begins to report; returns the function that ends it. */
  start(enqueue: Enqueue): () => void
}

export interface InformerSourceOptions<T> {
  /** Changes for which it returns false are ignored. */
  readonly when?: ((change: Change<T>) => boolean) | undefined
  /** The requests that an object leads to; default: the object itself. For updates both states are asked. */
  readonly toRequests?: ((object: T) => Iterable<ReconcileRequest>) | undefined
  /** Queue priority, fixed or by change. Default 0. */
  readonly priority?: number | ((change: Change<T>) => number) | undefined
}

/** Objects of an informer, filtered and mapped to requests. */
export function fromInformer<T extends KubeObject>(
  informer: Informer<T>,
  options: InformerSourceOptions<T> = {},
): Source {
  const toRequests = options.toRequests ?? ((object: T) => [keyOf(object)])
  return {
    informers: [informer],
    start: (enqueue) =>
      informer.subscribe((change) => {
        if (options.when && !options.when(change)) return
        const priority = typeof options.priority === "function" ? options.priority(change) : options.priority
        for (const request of toRequests(change.object)) enqueue(request, { priority })
        if (change.kind !== "update") return
        for (const request of toRequests(change.previous)) enqueue(request, { priority })
      }),
  }
}
