/** The certificates that a store adds to the system's: inline, or out of a Secret or ConfigMap. */
import { X509Certificate } from "node:crypto"
import { decodeBase64 } from "../../go/base64.ts"
import type { CredentialReader } from "../credentials.ts"
import { type ReadContext, StoreConfigError, type StoreToOpen } from "../provider.ts"
import type { InfisicalSettings } from "./settings.ts"

/** PEM text, or `undefined` when the store names none. The inline bundle wins over the reference. */
export async function readCertificates(
  reader: CredentialReader,
  store: StoreToOpen,
  settings: InfisicalSettings,
  context: ReadContext,
): Promise<string | undefined> {
  if (settings.caBundle) return pemOf(new Uint8Array(Buffer.from(settings.caBundle, "base64")), "caBundle")
  const provider = settings.caProvider
  if (!provider) return undefined
  const namespace = certificateNamespace(store, provider.namespace)
  const object = await reader.read(provider.type, namespace, provider.name, context)
  const bytes = object.data.get(provider.key ?? "")
  if (!bytes) {
    throw new StoreConfigError(
      `caProvider: ${provider.type} "${provider.name}" in namespace "${namespace}" has no key "${provider.key ?? ""}"`,
    )
  }
  return pemOf(bytes, "caProvider")
}

// A namespaced store may never reach into another namespace, not even for a certificate.
function certificateNamespace(store: StoreToOpen, named: string | undefined): string {
  if (store.kind === "SecretStore") {
    if (named && named !== store.namespace) {
      throw new StoreConfigError("caProvider.namespace must be empty in a SecretStore")
    }
    return store.namespace
  }
  if (!named) throw new StoreConfigError("caProvider.namespace is required in a ClusterSecretStore")
  return named
}

// What is stored may be PEM, or PEM that was encoded once more.
function pemOf(bytes: Uint8Array, field: string): string {
  for (const candidate of [bytes, decodeBase64(bytes, "standard")]) {
    const pem = candidate && Buffer.from(candidate).toString("utf8")
    if (pem && isCertificate(pem)) return pem
  }
  throw new StoreConfigError(`${field} does not begin with a PEM certificate`)
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem)
    return true
  } catch {
    // Not a certificate: the caller tries the other form and reports.
    return false
  }
}
