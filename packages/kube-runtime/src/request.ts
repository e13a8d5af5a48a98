/** Names an object, never an event: the reconcile looks at the world as it is now. Namespace "" if cluster-scoped. */
export interface ReconcileRequest {
  readonly namespace: string
  readonly name: string
}

export interface EnqueueOptions {
  readonly priority?: number | undefined
  readonly afterMs?: number | undefined
}

export type Enqueue = (request: ReconcileRequest, options?: EnqueueOptions) => void
