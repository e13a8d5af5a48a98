/** Installs the definitions into a cluster and waits until the API server serves them. */
import {
  type Clock,
  defineResource,
  type KubeClient,
  type KubeObject,
  sleep,
  systemClock,
} from "@coffer/kube-runtime"
import { OPERATOR_FIELD_MANAGER } from "../api/names.ts"
import { CUSTOM_RESOURCE_DEFINITIONS } from "./catalogue.ts"

interface CrdObject extends KubeObject {
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}

const CRDS = defineResource<CrdObject>({
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
})

const POLL_MS = 100

export type InstallOptions = {
  readonly clock?: Clock
  readonly signal?: AbortSignal
  /** How long to wait for the API server to serve all kinds. Default 60 s. */
  readonly timeoutMs?: number
}

/**
 * Applies every definition (server-side, again and again without harm) and waits until all are established.
 * Throws when that takes longer than the limit, naming what is missing.
 */
export async function installCrds(client: KubeClient, options: InstallOptions = {}): Promise<void> {
  const signal = AbortSignal.any([
    AbortSignal.timeout(options.timeoutMs ?? 60_000),
    ...(options.signal ? [options.signal] : []),
  ])
  for (const crd of CUSTOM_RESOURCE_DEFINITIONS) {
    const key = { name: crd.metadata.name }
    await client.patch(
      CRDS,
      key,
      { kind: "apply", body: crd, force: true },
      { fieldManager: OPERATOR_FIELD_MANAGER, signal },
    )
  }
  await waitUntilEstablished(client, options.clock ?? systemClock, signal)
}

async function waitUntilEstablished(client: KubeClient, clock: Clock, signal: AbortSignal): Promise<void> {
  const waiting = new Set(CUSTOM_RESOURCE_DEFINITIONS.map((crd) => crd.metadata.name))
  while (waiting.size > 0) {
    if (signal.aborted) throw new Error(`the API server does not serve ${[...waiting].join(", ")}`)
    for (const name of waiting) {
      if (isEstablished(await client.get(CRDS, { name }, { signal }))) waiting.delete(name)
    }
    if (waiting.size > 0) await sleep(clock, POLL_MS, signal)
  }
}

function isEstablished(crd: CrdObject): boolean {
  const holds = (type: string) =>
    crd.status?.conditions?.some((c) => c.type === type && c.status === "True") ?? false
  return holds("Established") && holds("NamesAccepted")
}
