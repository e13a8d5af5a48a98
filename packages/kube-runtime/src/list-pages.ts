import type { ListOptions, ListPage } from "./client.ts"
import { KubeApiError } from "./errors.ts"
import type { KubeObject } from "./resource.ts"
import type { Transport } from "./transport.ts"

interface ListBody<T> {
  items?: T[] | null
  metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
}

export interface ListRequest {
  readonly path: string
  /** What each item is: the server leaves that out inside lists of built-in kinds. */
  readonly kind: { readonly apiVersion: string; readonly kind: string }
  readonly options: ListOptions
  readonly accept?: string
}

const DEFAULT_PAGE_SIZE = 500

/**
 * Reads a collection page by page. A continue token lives about five minutes; if it expires, the list starts again
 * with one request for everything, which cannot expire.
 */
export async function* listPages<T extends KubeObject>(
  transport: Transport,
  request: ListRequest,
): AsyncGenerator<ListPage<T>> {
  let pageSize: number | undefined = request.options.pageSize ?? DEFAULT_PAGE_SIZE
  let continueToken: string | undefined
  let restarted = false
  do {
    let body: ListBody<T>
    try {
      body = await readPage<T>(transport, request, { limit: pageSize, continue: continueToken })
    } catch (error) {
      const isTokenExpired = continueToken !== undefined && error instanceof KubeApiError && error.isExpired
      if (!isTokenExpired) throw error
      restarted = true
      pageSize = undefined
      continueToken = undefined
      body = await readPage<T>(transport, request, {})
    }
    yield {
      items: (body.items ?? []).map((item) => ({ ...request.kind, ...item })),
      resourceVersion: body.metadata?.resourceVersion ?? "",
      restarted,
      remaining: body.metadata?.remainingItemCount,
    }
    restarted = false
    continueToken = body.metadata?.continue || undefined
  } while (continueToken !== undefined)
}

function readPage<T>(
  transport: Transport,
  request: ListRequest,
  position: { limit?: number | undefined; continue?: string | undefined },
): Promise<ListBody<T>> {
  const { options } = request
  return transport.call<ListBody<T>>({
    method: "GET",
    path: request.path,
    query: {
      ...position,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      resourceVersion: position.continue === undefined ? options.resourceVersion : undefined,
    },
    accept: request.accept,
    signal: options.signal,
    timeoutMs: options.timeoutMs,
  })
}
