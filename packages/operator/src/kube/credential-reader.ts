/** Reads Secrets and ConfigMaps that stores refer to, once for all who need them at about the same time. */
import { type Clock, CONFIG_MAPS, isNotFound, type KubeClient, SECRETS } from "@coffer/kube-runtime"
import type { CredentialReader, KeyedObject } from "../providers/credentials.ts"
import { StoreConfigError } from "../providers/provider.ts"
import { SharedReads } from "../providers/shared-reads.ts"

const IDLE_MS = 60_000
const MAX_OBJECTS = 1_000

export function createCredentialReader(client: KubeClient, clock: Clock): CredentialReader {
  const reads = new SharedReads<KeyedObject>({ clock, idleMs: IDLE_MS, maxEntries: MAX_OBJECTS })
  return {
    read: (kind, namespace, name, context) =>
      reads.read(`${kind}/${namespace}/${name}`, context, () => fetchObject(client, kind, namespace, name)),
  }
}

async function fetchObject(
  client: KubeClient,
  kind: "Secret" | "ConfigMap",
  namespace: string,
  name: string,
): Promise<KeyedObject> {
  try {
    return kind === "Secret"
      ? await fetchSecret(client, namespace, name)
      : await fetchConfigMap(client, namespace, name)
  } catch (cause) {
    if (!isNotFound(cause)) throw cause
    const what = kind === "Secret" ? "secret" : "config map"
    throw new StoreConfigError(
      `cannot get Kubernetes ${what} "${name}" from namespace "${namespace}": ${cause.message}`,
      { cause },
    )
  }
}

async function fetchSecret(client: KubeClient, namespace: string, name: string): Promise<KeyedObject> {
  const secret = await client.get(SECRETS, { namespace, name })
  const entries = Object.entries(secret.data ?? {})
  return {
    resourceVersion: secret.metadata.resourceVersion ?? "",
    data: new Map(entries.map(([key, value]) => [key, new Uint8Array(Buffer.from(value, "base64"))])),
  }
}

async function fetchConfigMap(client: KubeClient, namespace: string, name: string): Promise<KeyedObject> {
  const { data, binaryData, metadata } = await client.get(CONFIG_MAPS, { namespace, name })
  const texts = Object.entries(data ?? {}).map(
    ([key, value]) => [key, new Uint8Array(Buffer.from(value))] as const,
  )
  const binaries = Object.entries(binaryData ?? {}).map(
    ([key, value]) => [key, new Uint8Array(Buffer.from(value, "base64"))] as const,
  )
  return { resourceVersion: metadata.resourceVersion ?? "", data: new Map([...texts, ...binaries]) }
}
