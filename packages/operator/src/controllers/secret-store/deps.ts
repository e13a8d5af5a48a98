/** What the controller of a kind of store works with. */
import type {
  Clock,
  EventRecorder,
  Informer,
  KubeClient,
  Logger,
  Resource,
  RuntimeMetrics,
} from "@coffer/kube-runtime"
import type { SecretStore, StoreKind } from "../../api/resources.ts"
import type { Provider } from "../../providers/provider.ts"

export type StoreControllerDeps = {
  readonly client: KubeClient
  readonly kind: StoreKind
  readonly resource: Resource<SecretStore>
  readonly stores: Informer<SecretStore>
  readonly providers: ReadonlyMap<string, Provider>
  readonly events: EventRecorder
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: RuntimeMetrics
  readonly controllerClass: string
  readonly defaultIntervalMs: number
  readonly concurrency: number
}
