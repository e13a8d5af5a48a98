import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { delimiter, dirname, join, resolve } from "node:path"
import { type Clock, systemClock } from "./clock.ts"
import type { ClusterConfig, LoadClusterConfigOptions, ReadToken } from "./cluster-config.ts"
import { KubeconfigError } from "./errors.ts"
import {
  type ClusterFields,
  type KubeconfigDocument,
  mergeDocuments,
  parseDocument,
  type Selected,
  selectContext,
  type UserFields,
} from "./kubeconfig-document.ts"
import { tokenFromFile } from "./token-file.ts"

const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * Finds the cluster to talk to: explicit path, then KUBECONFIG (several files are merged, the first one wins), then
 * the pod's service account, then `$HOME/.kube/config`. Throws KubeconfigError if none is there or the one found
 * cannot be used.
 */
export async function loadClusterConfig(options: LoadClusterConfigOptions): Promise<ClusterConfig> {
  const { environment } = options
  if (options.kubeconfigPath) return loadFiles([options.kubeconfigPath], options)
  const listed = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "")
  if (listed.length > 0) {
    const present = listed.filter((path) => existsSync(path))
    if (present.length === 0)
      throw new KubeconfigError(`KUBECONFIG names no existing file: ${listed.join(", ")}`)
    return loadFiles(present, options)
  }
  if (environment["KUBERNETES_SERVICE_HOST"]) return loadServiceAccount(options)
  const home = environment["HOME"] ?? environment["USERPROFILE"]
  const path = home && join(home, ".kube", "config")
  if (path && existsSync(path)) return loadFiles([path], options)
  throw new KubeconfigError(
    "no cluster configured: set KUBECONFIG, run inside a cluster, or put a kubeconfig at ~/.kube/config",
  )
}

/** The same from the text of one kubeconfig. `source` is used in messages and to resolve relative file names. */
export async function parseKubeconfig(
  text: string,
  options: { source: string; context?: string | undefined; clock?: Clock | undefined },
): Promise<ClusterConfig> {
  const document = await parseDocument(text, options.source)
  return toClusterConfig(document, options.context, options.clock)
}

async function loadFiles(
  paths: readonly string[],
  options: LoadClusterConfigOptions,
): Promise<ClusterConfig> {
  const documents: KubeconfigDocument[] = []
  for (const path of paths) {
    const source = resolve(path)
    documents.push(await parseDocument(await readText(source, "kubeconfig"), source))
  }
  return toClusterConfig(mergeDocuments(documents), options.context, options.clock)
}

async function toClusterConfig(
  document: KubeconfigDocument,
  context: string | undefined,
  clock: Clock = systemClock,
): Promise<ClusterConfig> {
  const selected = selectContext(document, context)
  const { cluster, user } = selected
  return {
    source: selected.description,
    server: checkServer(selected),
    certificateAuthority: await readPem(
      cluster.fields["certificate-authority-data"],
      cluster.fields["certificate-authority"],
      cluster.source,
      "certificate-authority",
    ),
    insecureSkipTlsVerify: cluster.fields["insecure-skip-tls-verify"] === true,
    tlsServerName: cluster.fields["tls-server-name"],
    readToken: readTokenOf(user.fields, user.source, clock),
    readClientCertificate: await clientCertificateOf(user.fields, user.source),
    namespace: selected.namespace || "default",
  }
}

function checkServer({ cluster, description }: Selected): string {
  const fields: ClusterFields = cluster.fields
  if (!fields.server) throw new KubeconfigError(`${description}: the cluster has no server`)
  if (fields["proxy-url"]) throw new KubeconfigError(`${description}: proxy-url is not supported`)
  if (!URL.canParse(fields.server)) {
    throw new KubeconfigError(`${description}: server "${fields.server}" is not a URL`)
  }
  const { protocol } = new URL(fields.server)
  if (protocol !== "https:" && protocol !== "http:") {
    throw new KubeconfigError(`${description}: server "${fields.server}" is neither http nor https`)
  }
  return fields.server.replace(/\/+$/, "")
}

function readTokenOf(user: UserFields, source: string, clock: Clock): ReadToken | undefined {
  if (user.tokenFile) return tokenFromFile(resolve(dirname(source), user.tokenFile), clock)
  const { token } = user
  return token ? async () => token : undefined
}

async function clientCertificateOf(user: UserFields, source: string) {
  const certificate = await readPem(
    user["client-certificate-data"],
    user["client-certificate"],
    source,
    "client-certificate",
  )
  const key = await readPem(user["client-key-data"], user["client-key"], source, "client-key")
  if (certificate === undefined && key === undefined) return undefined
  if (certificate === undefined || key === undefined) {
    throw new KubeconfigError(`${source}: client-certificate and client-key must be given together`)
  }
  return () => ({ certificate, key })
}

async function readPem(
  base64: string | undefined,
  path: string | undefined,
  source: string,
  field: string,
): Promise<string | undefined> {
  if (base64) {
    const pem = Buffer.from(base64, "base64").toString("utf8")
    if (!pem.includes("-----BEGIN "))
      throw new KubeconfigError(`${source}: ${field}-data is not base64 of PEM`)
    return pem
  }
  return path ? readText(resolve(dirname(source), path), field) : undefined
}

async function loadServiceAccount(options: LoadClusterConfigOptions): Promise<ClusterConfig> {
  const { environment, clock = systemClock } = options
  const folder = options.serviceAccountFolder ?? SERVICE_ACCOUNT_FOLDER
  const host = environment["KUBERNETES_SERVICE_HOST"] ?? ""
  const port = environment["KUBERNETES_SERVICE_PORT"] ?? "443"
  const readToken = tokenFromFile(join(folder, "token"), clock)
  await readToken()
  const namespacePath = join(folder, "namespace")
  return {
    source: "in-cluster",
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    certificateAuthority: await readText(join(folder, "ca.crt"), "certificate authority"),
    readToken,
    namespace: existsSync(namespacePath) ? (await readText(namespacePath, "namespace")).trim() : "default",
  }
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8")
  } catch (cause) {
    throw new KubeconfigError(`cannot read ${what} ${path}`, { cause })
  }
}
