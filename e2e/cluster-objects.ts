/** The few objects that end-to-end tests make and read, and waiting for them. */
import { type KubeClient, SECRETS, type SecretObject, systemClock } from "@coffer/kube-runtime"
import { EXTERNAL_SECRETS } from "../apps/coffer/src/kubernetes/resources.ts"
import { waitUntil } from "../apps/coffer/src/kubernetes/wait-until.ts"

export type ObjectName = { readonly namespace: string; readonly name: string }

export type ExternalSecretInput = ObjectName & {
  readonly refreshInterval: string
  readonly store: string
  /** Key in the Secret -> key in the store. */
  readonly keys: Readonly<Record<string, string>>
}

export async function createExternalSecret(kube: KubeClient, input: ExternalSecretInput): Promise<void> {
  await kube.create(EXTERNAL_SECRETS, {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: input.name, namespace: input.namespace },
    spec: {
      refreshInterval: input.refreshInterval,
      secretStoreRef: { name: input.store, kind: "ClusterSecretStore" },
      target: { name: input.name },
      data: Object.entries(input.keys).map(([secretKey, key]) => ({ secretKey, remoteRef: { key } })),
    },
  })
}

/** One decoded value of a Secret; `undefined` while the Secret or the key is missing. */
export async function readValue(
  kube: KubeClient,
  key: ObjectName,
  field: string,
): Promise<string | undefined> {
  return decode(await kube.find(SECRETS, key), field)
}

export function decode(secret: SecretObject | undefined, field: string): string | undefined {
  const base64 = secret?.data?.[field]
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8")
}

/** Waits until the Secret holds the value; the error says what it held last. */
export async function waitForValue(
  kube: KubeClient,
  key: ObjectName,
  field: string,
  wanted: { readonly value: string; readonly timeoutMs: number },
): Promise<void> {
  let lastSeen: string | undefined
  await waitUntil(
    async () => {
      lastSeen = await readValue(kube, key, field)
      return lastSeen === wanted.value ? true : undefined
    },
    {
      clock: systemClock,
      signal: new AbortController().signal,
      timeoutMs: wanted.timeoutMs,
      intervalMs: 50,
      what: `${key.namespace}/${key.name} to hold "${wanted.value}"`,
      lastSeen: () => lastSeen ?? "nothing",
    },
  )
}
