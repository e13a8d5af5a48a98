/** Puts the operator together: client, informers, providers, controllers, leader election, health. */
import {
  type Clock,
  type ClusterConfig,
  createEventRecorder,
  createInformer,
  createKubeClient,
  createLeaderElector,
  createMetadataInformer,
  createRuntime,
  type Informer,
  type KubeClient,
  type Logger,
  NAMESPACES,
  noMetrics,
  type Random,
  type RuntimeMetrics,
  SECRETS,
  systemClock,
} from "@coffer/kube-runtime"
import { MANAGED_LABEL, OPERATOR_FIELD_MANAGER } from "./api/names.ts"
import {
  CLUSTER_SECRET_STORES,
  EXTERNAL_SECRETS,
  SECRET_STORES,
  type SecretStore,
  type StoreKind,
} from "./api/resources.ts"
import type { OperatorConfig } from "./config.ts"
import {
  createExternalSecretController,
  externalSecretIndexers,
  managedSecretIndexers,
} from "./controllers/external-secret/index.ts"
import { Memory } from "./controllers/external-secret/memory.ts"
import { createStoreController } from "./controllers/secret-store/index.ts"
import { serveHealth } from "./health.ts"
import { createCredentialReader } from "./kube/credential-reader.ts"
import { fakeProvider } from "./providers/fake/index.ts"
import type { CallObserver } from "./providers/infisical/http.ts"
import { createInfisicalProvider } from "./providers/infisical/index.ts"

export type OperatorOptions = {
  readonly cluster: ClusterConfig
  readonly config: OperatorConfig
  readonly logger: Logger
  /** Unique per process: the holder of the Lease. */
  readonly identity: string
  readonly clock?: Clock
  readonly random?: Random
  readonly metrics?: RuntimeMetrics
  /** Told about every call to a secret store. */
  readonly onProviderCall?: CallObserver
  /** Called once the health endpoints listen. */
  readonly onHealthPort?: (port: number) => void
}

type Shared = {
  readonly clock: Clock
  readonly random: Random | undefined
  readonly logger: Logger
  readonly metrics: RuntimeMetrics
  readonly client: KubeClient
}

/** Runs until the signal fires and everything has ended. Rejects when it can't start. */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { config, logger } = options
  const clock = options.clock ?? systemClock
  const metrics = options.metrics ?? noMetrics
  const client = createKubeClient(options.cluster, {
    clock,
    logger,
    metrics,
    userAgent: "coffer-operator",
    fieldManager: OPERATOR_FIELD_MANAGER,
    qps: config.clientQps,
    burst: config.clientBurst || undefined,
    maxConnections: Math.max(32, config.concurrency * 2),
  })
  const shared: Shared = { clock, random: options.random, logger, metrics, client }
  const infisical = createInfisicalProvider({
    credentials: createCredentialReader(client, clock),
    clock,
    allowPodIdentityInNamespacedStores: config.allowPodIdentityInNamespacedStores,
    ...(options.onProviderCall ? { onCall: options.onProviderCall } : {}),
  })
  const providers = new Map([
    ["fake", fakeProvider],
    ["infisical", infisical],
  ])
  const runtime = assemble(shared, options, providers)
  const health = config.liveAddress
    ? await serveHealth(config.liveAddress, () => runtime.health().ready)
    : undefined
  if (health) options.onHealthPort?.(health.port)
  try {
    await runtime.run(signal)
  } finally {
    await Promise.all([health?.close(), infisical.close(), client.close()])
  }
}

function assemble(
  shared: Shared,
  options: OperatorOptions,
  providers: Parameters<typeof createStoreController>[0]["providers"],
) {
  const { config } = options
  const { client, clock, logger, metrics } = shared
  const events = createEventRecorder({ client, component: OPERATOR_FIELD_MANAGER, clock, logger, metrics })
  const informers = createInformers(shared, config)
  const memory = new Memory(clock)
  memory.watch(informers.externalSecrets)
  memory.watchSecrets(informers.managedSecrets)
  const storeInformers = [
    ...(informers.stores ? [{ kind: "SecretStore" as const, informer: informers.stores }] : []),
    ...(informers.clusterStores
      ? [{ kind: "ClusterSecretStore" as const, informer: informers.clusterStores }]
      : []),
  ]
  const common = { client, events, clock, logger, metrics, concurrency: config.concurrency }
  const storeController = ({ kind, informer }: { kind: StoreKind; informer: Informer<SecretStore> }) =>
    createStoreController({
      ...common,
      kind,
      resource: kind === "SecretStore" ? SECRET_STORES : CLUSTER_SECRET_STORES,
      stores: informer,
      providers,
      controllerClass: config.controllerClass,
      defaultIntervalMs: config.storeRequeueIntervalMs,
    })
  const externalSecretController = createExternalSecretController({
    ...common,
    externalSecrets: informers.externalSecrets,
    managedSecrets: informers.managedSecrets,
    stores: {
      stores: informers.stores,
      clusterStores: informers.clusterStores,
      namespaces: informers.namespaces,
      providers,
      controllerClass: config.controllerClass,
      floodGate: config.floodGate,
    },
    storeInformers,
    memory,
  })
  return createRuntime({
    informers: Object.values(informers).filter((informer) => informer !== undefined),
    controllers: [...storeInformers.map(storeController), externalSecretController],
    leaderElector: leaderElectorOf(shared, options),
    events,
    clock,
    logger,
  })
}

function createInformers(shared: Shared, config: OperatorConfig) {
  const common = {
    client: shared.client,
    clock: shared.clock,
    random: shared.random,
    logger: shared.logger,
    metrics: shared.metrics,
  }
  const scoped = { ...common, namespace: config.namespace || undefined }
  return {
    clusterStores: config.clusterStores ? createInformer(CLUSTER_SECRET_STORES, common) : undefined,
    stores: config.namespacedStores ? createInformer(SECRET_STORES, scoped) : undefined,
    namespaces: config.clusterStores ? createMetadataInformer(NAMESPACES, common) : undefined,
    managedSecrets: createMetadataInformer(SECRETS, {
      ...scoped,
      labelSelector: `${MANAGED_LABEL}=true`,
      indexers: managedSecretIndexers,
    }),
    externalSecrets: createInformer(EXTERNAL_SECRETS, { ...scoped, indexers: externalSecretIndexers }),
  }
}

function leaderElectorOf(shared: Shared, { config, identity }: OperatorOptions) {
  const { enabled, id, ...times } = config.leaderElection
  if (!enabled) return undefined
  return createLeaderElector({
    ...times,
    client: shared.client,
    clock: shared.clock,
    random: shared.random,
    logger: shared.logger,
    metrics: shared.metrics,
    lease: { namespace: shared.client.namespace, name: id },
    identity,
  })
}
