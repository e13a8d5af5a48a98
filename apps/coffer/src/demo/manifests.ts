/** The manifests of the documentation, applied as they stand but for the address of the server. */
import { readFileSync } from "node:fs"
import {
  isAlreadyExists,
  type KubeClient,
  type KubeObject,
  NAMESPACES,
  type Resource,
  SECRETS,
} from "@coffer/kube-runtime"
import { parse } from "yaml"
import { CLUSTER_SECRET_STORES, EXTERNAL_SECRETS } from "../kubernetes/resources.ts"

export type SeedManifest = "cluster-secret-store" | "external-secret" | "smoke-test"

/** The text of one manifest as it stands in the documentation. */
export function readSeed(name: SeedManifest): string {
  return readFileSync(new URL(`./seed/${name}.yaml`, import.meta.url), "utf8")
}

/** Replaces the one value that differs from cluster to cluster. */
export function withHostApi(manifest: string, hostApi: string): string {
  return manifest.replace(/^(\s*hostAPI:) .*$/m, `$1 ${hostApi}`)
}

const resources: ReadonlyMap<string, Resource> = new Map<string, Resource>(
  [SECRETS, EXTERNAL_SECRETS, CLUSTER_SECRET_STORES].map((resource) => [resource.kind, resource]),
)

/** Applies one document server-side, as `kubectl apply --server-side` does. */
export async function applyManifest(
  kube: KubeClient,
  text: string,
  defaultNamespace = "default",
): Promise<void> {
  const object = parse(text) as KubeObject
  const resource = resources.get(object.kind ?? "")
  if (resource === undefined) throw new Error(`no kind of the demo: ${object.kind ?? "none"}`)
  const { name = "", namespace = defaultNamespace } = object.metadata
  const metadata = resource.namespaced ? { ...object.metadata, namespace } : object.metadata
  const key = resource.namespaced ? { name, namespace } : { name }
  await kube.patch(resource, key, { kind: "apply", body: { ...object, metadata } }, { fieldManager: "demo" })
}

/** A namespace that may exist already. */
export async function ensureNamespace(kube: KubeClient, name: string): Promise<void> {
  try {
    await kube.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
