/** How a store logs in: which credentials it needs, and the request that turns them into an access token. */
import { readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import type { SecretKeySelector } from "../../api/meta.ts"
import { type Credential, type CredentialReader, readCredential } from "../credentials.ts"
import { type ReadContext, StoreConfigError, type StoreToOpen } from "../provider.ts"
import type { InfisicalSettings } from "./settings.ts"

export type Login =
  | { readonly kind: "token"; readonly identity: string; readonly token: string }
  | {
      readonly kind: "exchange"
      /** Which credentials, at which version: never their values. */
      readonly identity: string
      readonly call: string
      readonly path: string
      /** Built when needed, so that a rotated token file is read again. */
      readonly body: () => Promise<Readonly<Record<string, string>>>
    }

/** Where the kubelet puts tokens; a store names files below it and nothing else. */
export const POD_SECRETS_FOLDER = "/var/run/secrets"
const DEFAULT_TOKEN = "kubernetes.io/serviceaccount/token"

const UNSUPPORTED = [
  "azureAuthCredentials",
  "gcpIdTokenAuthCredentials",
  "gcpIamAuthCredentials",
  "ldapAuthCredentials",
  "ociAuthCredentials",
  "awsAuthCredentials",
] as const

export type AuthDeps = {
  readonly credentials: CredentialReader
  /** Whether a namespaced store may make the operator present its own service account token to a host of its choice. */
  readonly allowPodIdentityInNamespacedStores: boolean
  /** {@link POD_SECRETS_FOLDER} in a pod. */
  readonly podSecretsFolder: string
}

/** Finds the store's method (the first one set, in the contract's order) and reads what it needs. */
export async function prepareLogin(
  deps: AuthDeps,
  store: StoreToOpen,
  settings: InfisicalSettings,
  context: ReadContext,
): Promise<Login> {
  const { auth } = settings
  const read = (selector: SecretKeySelector) => readCredential(deps.credentials, store, selector, context)
  if (auth.universalAuthCredentials) {
    const { clientId, clientSecret } = auth.universalAuthCredentials
    return exchange("ViaUniversalAuth", "universal-auth", {
      clientId: await read(requireKeys(clientId)),
      clientSecret: await read(requireKeys(clientSecret)),
    })
  }
  refuseUnsupported(auth, ["azureAuthCredentials", "gcpIdTokenAuthCredentials", "gcpIamAuthCredentials"])
  if (auth.jwtAuthCredentials) {
    const { identityId, jwt } = auth.jwtAuthCredentials
    return exchange("ViaJwtAuth", "jwt-auth", { identityId: await read(identityId), jwt: await read(jwt) })
  }
  refuseUnsupported(auth, ["ldapAuthCredentials", "ociAuthCredentials"])
  if (auth.kubernetesAuthCredentials)
    return kubernetesLogin(deps, store, auth.kubernetesAuthCredentials, read)
  refuseUnsupported(auth, ["awsAuthCredentials"])
  if (auth.tokenAuthCredentials) {
    const { value, origin } = await read(auth.tokenAuthCredentials.accessToken)
    return { kind: "token", identity: origin, token: value }
  }
  throw new StoreConfigError("authentication method not found")
}

function requireKeys(selector: SecretKeySelector): SecretKeySelector {
  if (selector.key) return selector
  throw new StoreConfigError(
    "universalAuthCredentials.clientId and universalAuthCredentials.clientSecret cannot be empty",
  )
}

function refuseUnsupported(
  auth: InfisicalSettings["auth"],
  methods: readonly (typeof UNSUPPORTED)[number][],
): void {
  const method = methods.find((name) => auth[name] !== undefined)
  if (!method) return
  throw new StoreConfigError(
    `auth.${method} is not supported yet by this release of Coffer; use universalAuthCredentials, jwtAuthCredentials, kubernetesAuthCredentials or tokenAuthCredentials`,
  )
}

function exchange(call: string, method: string, fields: Readonly<Record<string, Credential>>): Login {
  const body = Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, value]))
  return {
    kind: "exchange",
    identity: Object.values(fields)
      .map(({ origin }) => origin)
      .join(","),
    call: `MachineIdentityLogin${call}`,
    path: `/v1/auth/${method}/login`,
    body: async () => body,
  }
}

async function kubernetesLogin(
  deps: AuthDeps,
  store: StoreToOpen,
  auth: NonNullable<InfisicalSettings["auth"]["kubernetesAuthCredentials"]>,
  read: (selector: SecretKeySelector) => Promise<Credential>,
): Promise<Login> {
  if (store.kind === "SecretStore" && !deps.allowPodIdentityInNamespacedStores) {
    throw new StoreConfigError(
      "kubernetesAuthCredentials would send the operator's own token to this store's host: use a ClusterSecretStore, or start the operator with --allow-pod-identity-in-secret-stores",
    )
  }
  const identity = await read(auth.identityId)
  const file = auth.serviceAccountTokenPath
    ? resolve((await read(auth.serviceAccountTokenPath)).value)
    : join(deps.podSecretsFolder, DEFAULT_TOKEN)
  if (!file.startsWith(`${deps.podSecretsFolder}/`))
    throw new StoreConfigError(`serviceAccountTokenPath must be below ${deps.podSecretsFolder}/`)
  return {
    kind: "exchange",
    identity: `${identity.origin},${file}`,
    call: "MachineIdentityLoginViaKubernetesAuth",
    path: "/v1/auth/kubernetes-auth/login",
    body: async () => ({ identityId: identity.value, jwt: await readTokenFile(file) }),
  }
}

async function readTokenFile(file: string): Promise<string> {
  let token = ""
  try {
    token = (await readFile(file, "utf8")).trim()
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable"
    throw new StoreConfigError(`cannot read the service account token ${file}: ${code}`, { cause })
  }
  if (!token) throw new StoreConfigError(`the service account token ${file} is empty`)
  return token
}
