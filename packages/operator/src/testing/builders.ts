/** Objects for unit tests, with everything defaulted. */
import type { SecretObject } from "@coffer/kube-runtime"
import type { ExternalSecretSpec, ExternalSecretStatus } from "../api/external-secret.ts"
import { syncedResourceVersionOf } from "../api/names.ts"
import type { ExternalSecret, SecretStore, StoreSpec } from "../api/resources.ts"

export const NOW_MS = Date.parse("2026-11-23T12:00:00Z")
export const secondsAgo = (seconds: number) =>
  new Date(NOW_MS - seconds * 1_000).toISOString().replace(".000Z", "Z")

export function anExternalSecret(
  spec: ExternalSecretSpec = {},
  status?: ExternalSecretStatus,
): ExternalSecret {
  return {
    metadata: { namespace: "apps", name: "web", uid: "uid-web", generation: 1, resourceVersion: "7" },
    spec: { refreshInterval: "1h", secretStoreRef: { name: "store" }, ...spec },
    ...(status ? { status } : {}),
  }
}

/** One that was synced so many seconds ago in its present state. */
export function aSyncedExternalSecret(ageSeconds: number, spec: ExternalSecretSpec = {}): ExternalSecret {
  const externalSecret = anExternalSecret(spec)
  return {
    ...externalSecret,
    status: {
      refreshTime: secondsAgo(ageSeconds),
      syncedResourceVersion: syncedResourceVersionOf(externalSecret.metadata),
      conditions: [{ type: "Ready", status: "True", reason: "SecretSynced", message: "secret synced" }],
      binding: { name: "web" },
    },
  }
}

export function aStore(spec: Partial<StoreSpec> = {}, ready?: "True" | "False"): SecretStore {
  return {
    metadata: { namespace: "apps", name: "store", generation: 1 },
    spec: { provider: { fake: {} }, ...spec },
    ...(ready ? { status: { conditions: [{ type: "Ready", status: ready }] } } : {}),
  }
}

export function aSecret(
  data: Readonly<Record<string, string>>,
  metadata: SecretObject["metadata"] = {},
): SecretObject {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")])
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    metadata: { namespace: "apps", name: "web", uid: "uid-secret", resourceVersion: "3", ...metadata },
    data: Object.fromEntries(encoded),
  }
}
