/**
 * The provider for Coffer and Infisical servers. One login per set of credentials and one conditional list per scope
 * serve all stores and ExternalSecrets; a key that the list can't settle is asked for alone.
 *
 * settings -> credentials (`auth.ts`) -> token (`tokens.ts`) -> list (`requests.ts`, `listing.ts`) -> `client.ts`
 */
import { createHash } from "node:crypto"
import type { Clock } from "@coffer/kube-runtime"
import type { CredentialReader } from "../credentials.ts"
import type { Provider, ReadContext, StoreToOpen } from "../provider.ts"
import { SharedReads } from "../shared-reads.ts"
import { POD_SECRETS_FOLDER, prepareLogin } from "./auth.ts"
import { readCertificates } from "./certificates.ts"
import { type CachedListing, InfisicalClient } from "./client.ts"
import { type CallObserver, createHttp } from "./http.ts"
import { apiBase, type InfisicalSettings, parseSettings } from "./settings.ts"
import { type Session, TokenCache } from "./tokens.ts"

export type InfisicalOptions = {
  readonly credentials: CredentialReader
  readonly clock: Clock
  readonly onCall?: CallObserver
  readonly allowPodIdentityInNamespacedStores?: boolean
  /** Where the pod's tokens are mounted; `/var/run/secrets` unless a test says otherwise. */
  readonly podSecretsFolder?: string
}

const LISTINGS_IDLE_MS = 15 * 60_000
const MAX_LISTINGS = 500

/** Creates the provider with its caches. Close it to end the connections. */
export function createInfisicalProvider(options: InfisicalOptions): Provider & { close(): Promise<void> } {
  const http = createHttp(options)
  const tokens = new TokenCache(http, options.clock)
  const listings = new SharedReads<CachedListing>({
    clock: options.clock,
    idleMs: LISTINGS_IDLE_MS,
    maxEntries: MAX_LISTINGS,
  })
  const auth = {
    credentials: options.credentials,
    allowPodIdentityInNamespacedStores: options.allowPodIdentityInNamespacedStores ?? false,
    podSecretsFolder: options.podSecretsFolder ?? POD_SECRETS_FOLDER,
  }
  return {
    capabilities: "ReadWrite",
    async open(store, context) {
      const settings = parseSettings(store.settings)
      const session = await openSession(store, settings, context)
      await tokens.get(session, context.signal)
      return new InfisicalClient({ http, tokens, listings }, session, settings.secretsScope)
    },
    close: () => http.close(),
  }

  async function openSession(
    store: StoreToOpen,
    settings: InfisicalSettings,
    context: ReadContext,
  ): Promise<Session> {
    const base = apiBase(settings.hostAPI)
    const ca = await readCertificates(options.credentials, store, settings, context)
    const login = await prepareLogin(auth, store, settings, context)
    const { organizationSlug } = settings.secretsScope
    const caHash = ca === undefined ? "" : createHash("sha256").update(ca).digest("hex")
    const id = JSON.stringify([base, caHash, organizationSlug, login.kind, login.identity])
    return { id, base, ca, organizationSlug, login }
  }
}
