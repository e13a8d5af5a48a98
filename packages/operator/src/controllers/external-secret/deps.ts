/** What the controller of ExternalSecrets works with. */
import type {
  Clock,
  EventRecorder,
  Informer,
  KubeClient,
  Logger,
  PartialObject,
  RuntimeMetrics,
} from "@coffer/kube-runtime"
import type { ExternalSecret, SecretStore, StoreKind } from "../../api/resources.ts"
import type { StoreAccessDeps } from "../../stores/access.ts"
import type { Memory } from "./memory.ts"

export type ExternalSecretDeps = {
  readonly client: KubeClient
  readonly externalSecrets: Informer<ExternalSecret>
  /** Metadata of Secrets with the managed label. */
  readonly managedSecrets: Informer<PartialObject>
  readonly stores: StoreAccessDeps
  readonly storeInformers: readonly { readonly kind: StoreKind; readonly informer: Informer<SecretStore> }[]
  readonly memory: Memory
  readonly events: EventRecorder
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: RuntimeMetrics
  readonly concurrency: number
}
