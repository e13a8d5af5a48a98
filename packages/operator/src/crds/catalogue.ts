/** All custom resource definitions: names, columns and versions of every kind, with the schemas beside this file. */
import {
  clusterExternalSecretSpec,
  clusterExternalSecretStatus,
  externalSecretSpec,
  externalSecretStatus,
} from "./external-secret.ts"
import {
  clusterGeneratorSpec,
  GENERATOR_SPECS,
  generatorStateSpec,
  generatorStateStatus,
} from "./generators.ts"
import {
  clusterPushSecretSpec,
  clusterPushSecretStatus,
  pushSecretSpec,
  pushSecretStatus,
} from "./push-secret.ts"
import { openObject, type Schema } from "./schema.ts"
import { secretStoreSpec, secretStoreStatus } from "./secret-store.ts"

export type PrinterColumn = { name: string; type: "string" | "date"; jsonPath: string }

export type CustomResourceDefinition = {
  apiVersion: "apiextensions.k8s.io/v1"
  kind: "CustomResourceDefinition"
  metadata: { name: string; labels: Record<string, string> }
  spec: {
    group: string
    names: {
      categories: string[]
      kind: string
      listKind: string
      plural: string
      shortNames?: string[]
      singular: string
    }
    scope: "Namespaced" | "Cluster"
    versions: CrdVersion[]
  }
}

export type CrdVersion = {
  name: string
  served: boolean
  storage: boolean
  deprecated?: boolean
  additionalPrinterColumns?: PrinterColumn[]
  selectableFields?: { jsonPath: string }[]
  schema: { openAPIV3Schema: Schema }
  subresources?: { status: Record<string, never> }
}

type Kind = {
  readonly kind: string
  readonly scope?: "Cluster"
  readonly shortName?: string
  readonly columns: readonly PrinterColumn[]
  readonly selectable?: readonly string[]
  readonly spec: Schema
  readonly status?: Schema
  /** Absent: v1 with an unserved v1beta1 beside it, so that `status.storedVersions` stays valid. */
  readonly version?: "v1alpha1"
  readonly hasStatusSubresource?: false
}

const GROUP = "external-secrets.io"
const GENERATOR_GROUP = "generators.external-secrets.io"

const column = (name: string, jsonPath: string, type: "string" | "date" = "string"): PrinterColumn => ({
  name,
  type,
  jsonPath,
})
const AGE = column("AGE", ".metadata.creationTimestamp", "date")
const REASON = column("Status", '.status.conditions[?(@.type=="Ready")].reason')
const READY = column("Ready", '.status.conditions[?(@.type=="Ready")].status')
const LAST_SYNC = column("Last Sync", ".status.refreshTime", "date")

const storeColumns = [AGE, REASON, column("Capabilities", ".status.capabilities"), READY]

const KINDS: readonly Kind[] = [
  {
    kind: "ExternalSecret",
    shortName: "es",
    columns: [
      column("StoreType", ".spec.secretStoreRef.kind"),
      column("Store", ".spec.secretStoreRef.name"),
      column("Refresh Interval", ".spec.refreshInterval"),
      REASON,
      READY,
      LAST_SYNC,
    ],
    selectable: [
      ".spec.secretStoreRef.name",
      ".spec.secretStoreRef.kind",
      ".spec.target.name",
      ".spec.refreshInterval",
    ],
    spec: externalSecretSpec,
    status: externalSecretStatus,
  },
  {
    kind: "ClusterExternalSecret",
    scope: "Cluster",
    shortName: "ces",
    columns: [
      column("Store", ".spec.externalSecretSpec.secretStoreRef.name"),
      column("Refresh Interval", ".spec.refreshTime"),
      READY,
    ],
    spec: clusterExternalSecretSpec,
    status: clusterExternalSecretStatus,
  },
  {
    kind: "SecretStore",
    shortName: "ss",
    columns: storeColumns,
    spec: secretStoreSpec,
    status: secretStoreStatus,
  },
  {
    kind: "ClusterSecretStore",
    scope: "Cluster",
    shortName: "css",
    columns: storeColumns,
    spec: secretStoreSpec,
    status: secretStoreStatus,
  },
  {
    kind: "PushSecret",
    shortName: "ps",
    version: "v1alpha1",
    columns: [AGE, REASON, LAST_SYNC],
    spec: pushSecretSpec,
    status: pushSecretStatus,
  },
  {
    kind: "ClusterPushSecret",
    scope: "Cluster",
    version: "v1alpha1",
    columns: [AGE, REASON],
    spec: clusterPushSecretSpec,
    status: clusterPushSecretStatus,
  },
]

const GENERATOR_KINDS: readonly Kind[] = [
  ...[...GENERATOR_SPECS].map(([kind, spec]): Kind => ({ kind, version: "v1alpha1", columns: [], spec })),
  {
    kind: "ClusterGenerator",
    scope: "Cluster",
    version: "v1alpha1",
    columns: [],
    spec: clusterGeneratorSpec,
  },
  {
    kind: "GeneratorState",
    shortName: "gs",
    version: "v1alpha1",
    columns: [
      column("GC Deadline", ".spec.garbageCollectionDeadline"),
      column("Age", ".metadata.creationTimestamp", "date"),
    ],
    spec: generatorStateSpec,
    status: generatorStateStatus,
    hasStatusSubresource: false,
  },
]

/** Every definition, in the order in which they are installed. */
export const CUSTOM_RESOURCE_DEFINITIONS: readonly CustomResourceDefinition[] = [
  ...KINDS.map((kind) => definitionOf(GROUP, kind)),
  ...GENERATOR_KINDS.map((kind) => definitionOf(GENERATOR_GROUP, kind)),
]

function definitionOf(group: string, kind: Kind): CustomResourceDefinition {
  const singular = kind.kind.toLowerCase()
  const categories = ["external-secrets"]
  if (group === GENERATOR_GROUP) categories.push("external-secrets-generators")
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.${group}`, labels: { "external-secrets.io/component": "controller" } },
    spec: {
      group,
      names: {
        categories,
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: `${singular}s`,
        ...(kind.shortName ? { shortNames: [kind.shortName] } : {}),
        singular,
      },
      scope: kind.scope ?? "Namespaced",
      versions: kind.version
        ? [servedVersion(kind.version, kind)]
        : [servedVersion("v1", kind), retiredVersion(kind)],
    },
  }
}

function servedVersion(name: string, kind: Kind): CrdVersion {
  return {
    name,
    served: true,
    storage: true,
    ...printing(kind),
    ...(kind.selectable ? { selectableFields: kind.selectable.map((jsonPath) => ({ jsonPath })) } : {}),
    schema: { openAPIV3Schema: rootSchema(kind.kind, kind.spec, kind.status) },
    ...(kind.hasStatusSubresource === false ? {} : { subresources: { status: {} } }),
  }
}

// Never served, so its schema only has to lose nothing.
function retiredVersion(kind: Kind): CrdVersion {
  const kept = openObject("Kept as it was stored.")
  return {
    name: "v1beta1",
    served: false,
    storage: false,
    deprecated: true,
    ...printing(kind),
    schema: { openAPIV3Schema: rootSchema(kind.kind, kept, kept) },
    subresources: { status: {} },
  }
}

function printing(kind: Kind): Pick<CrdVersion, "additionalPrinterColumns"> {
  return kind.columns.length > 0 ? { additionalPrinterColumns: [...kind.columns] } : {}
}

function rootSchema(kind: string, spec: Schema, status: Schema | undefined): Schema {
  return {
    type: "object",
    description: `${kind}: ${spec.description ?? ""}`,
    properties: {
      apiVersion: { type: "string", description: "Version of the schema." },
      kind: { type: "string", description: "Kind of the object." },
      metadata: { type: "object" },
      spec,
      ...(status ? { status } : {}),
    },
  }
}
