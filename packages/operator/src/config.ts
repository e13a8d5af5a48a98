/**
 * The operator's settings, read once from command-line flags under the names that existing deployments pass. A flag
 * that Coffer doesn't know is reported and ignored, so that a deployment can be switched over as it stands.
 */
import { parseDuration } from "./go/duration.ts"

export type OperatorConfig = {
  readonly controllerClass: string
  /** Empty: all namespaces. */
  readonly namespace: string
  readonly concurrency: number
  readonly leaderElection: {
    readonly enabled: boolean
    readonly id: string
    readonly leaseDurationMs: number
    readonly renewDeadlineMs: number
    readonly retryPeriodMs: number
  }
  readonly storeRequeueIntervalMs: number
  readonly floodGate: boolean
  readonly clusterStores: boolean
  readonly namespacedStores: boolean
  /** `host:port` of the health endpoints; port 0 takes a free one. Empty: none. */
  readonly liveAddress: string
  /** Requests per second to the API server; 0 leaves it to the server's own fairness. */
  readonly clientQps: number
  readonly clientBurst: number
  readonly allowPodIdentityInNamespacedStores: boolean
}

export type ParsedConfig = { readonly config: OperatorConfig; readonly warnings: readonly string[] }

/** Every problem with the flags, one per line. */
export class ConfigError extends Error {}

type Kind = "text" | "flag" | "count" | "duration"
type FlagSpec = { readonly kind: Kind; readonly value: string; readonly help: string }

/** Flags, their defaults and what they mean: also the source of the reference page. */
export const OPERATOR_FLAGS = {
  "controller-class": { kind: "text", value: "default", help: "Handle stores with this class or none" },
  namespace: { kind: "text", value: "", help: "Handle only this namespace" },
  concurrent: { kind: "count", value: "10", help: "Objects of one kind worked on at once" },
  "enable-leader-election": { kind: "flag", value: "false", help: "Let only one of several operators work" },
  "leader-election-id": { kind: "text", value: "external-secrets-controller", help: "Name of the Lease" },
  "leader-election-lease-duration": { kind: "duration", value: "15s", help: "Others wait this long" },
  "leader-election-renew-deadline": {
    kind: "duration",
    value: "10s",
    help: "The leader gives up after this",
  },
  "leader-election-retry-period": { kind: "duration", value: "2s", help: "Pause between attempts" },
  "store-requeue-interval": { kind: "duration", value: "5m", help: "How often stores are validated" },
  "enable-flood-gate": { kind: "flag", value: "true", help: "ExternalSecrets wait for a ready store" },
  "enable-cluster-store-reconciler": { kind: "flag", value: "true", help: "Handle ClusterSecretStores" },
  "enable-secret-store-reconciler": { kind: "flag", value: "true", help: "Handle SecretStores" },
  "live-addr": { kind: "text", value: ":8082", help: "Address of /healthz and /readyz" },
  "client-qps": {
    kind: "count",
    value: "0",
    help: "Limit on requests per second to the API server; 0 for none",
  },
  "client-burst": { kind: "count", value: "0", help: "Requests beyond the limit for a moment" },
  "allow-pod-identity-in-secret-stores": {
    kind: "flag",
    value: "false",
    help: "Let namespaced stores present the operator's own token to their host",
  },
} as const satisfies Record<string, FlagSpec>

type FlagName = keyof typeof OPERATOR_FLAGS

/** Reads `--name value`, `--name=value` and bare `--flag`. Throws {@link ConfigError} listing all problems. */
export function parseOperatorFlags(args: readonly string[]): ParsedConfig {
  const warnings: string[] = []
  const values = new Map<string, string>(
    Object.entries(OPERATOR_FLAGS).map(([name, spec]) => [name, spec.value]),
  )
  for (let index = 0; index < args.length; index++) {
    const match = /^--?([a-z0-9-]+)(?:=(.*))?$/is.exec(args[index] ?? "")
    if (!match) {
      warnings.push(`ignored argument ${JSON.stringify(args[index])}: it is not a flag`)
      continue
    }
    const [, name = "", inline] = match
    const next = args[index + 1]
    const isKnown = Object.hasOwn(OPERATOR_FLAGS, name)
    const takesNext = inline === undefined && next !== undefined && !next.startsWith("-") && !isSwitch(name)
    if (takesNext) index++
    if (isKnown) values.set(name, inline ?? (takesNext ? next : "true"))
    else warnings.push(`ignored flag --${name}: this operator does not have it`)
  }
  return { config: toConfig(values), warnings }
}

function isSwitch(name: string): boolean {
  return Object.hasOwn(OPERATOR_FLAGS, name)
    ? OPERATOR_FLAGS[name as FlagName].kind === "flag"
    : name.startsWith("enable-")
}

function toConfig(values: ReadonlyMap<string, string>): OperatorConfig {
  const problems: string[] = []
  const read = <T>(
    name: FlagName,
    expected: string,
    parse: (text: string) => T | undefined,
  ): T | undefined => {
    const parsed = parse(values.get(name) ?? "")
    if (parsed === undefined)
      problems.push(`--${name}: expected ${expected}, got ${JSON.stringify(values.get(name))}`)
    return parsed
  }
  const text = (name: FlagName) => values.get(name) ?? ""
  const flag = (name: FlagName) => read(name, "true or false", parseFlag) ?? false
  const count = (name: FlagName) => read(name, "a whole number", parseCount) ?? 0
  const duration = (name: FlagName) => read(name, "a duration such as 30s or 5m", parsePositiveDuration) ?? 0
  const config: OperatorConfig = {
    controllerClass: text("controller-class"),
    namespace: text("namespace"),
    concurrency: Math.max(1, count("concurrent")),
    leaderElection: {
      enabled: flag("enable-leader-election"),
      id: text("leader-election-id"),
      leaseDurationMs: duration("leader-election-lease-duration"),
      renewDeadlineMs: duration("leader-election-renew-deadline"),
      retryPeriodMs: duration("leader-election-retry-period"),
    },
    storeRequeueIntervalMs: duration("store-requeue-interval"),
    floodGate: flag("enable-flood-gate"),
    clusterStores: flag("enable-cluster-store-reconciler"),
    namespacedStores: flag("enable-secret-store-reconciler"),
    liveAddress: text("live-addr"),
    clientQps: count("client-qps"),
    clientBurst: count("client-burst"),
    allowPodIdentityInNamespacedStores: flag("allow-pod-identity-in-secret-stores"),
  }
  if (problems.length > 0) throw new ConfigError(problems.join("\n"))
  return config
}

function parseFlag(value: string): boolean | undefined {
  if (/^(1|t|true)$/i.test(value)) return true
  return /^(0|f|false)$/i.test(value) ? false : undefined
}

function parseCount(value: string): number | undefined {
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined
}

function parsePositiveDuration(value: string): number | undefined {
  try {
    const ms = parseDuration(value)
    return ms > 0 ? ms : undefined
  } catch {
    // Reported by the caller with the flag's name.
    return undefined
  }
}
