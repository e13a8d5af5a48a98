/** The runtime's numbers under controller-runtime's names, so that existing dashboards keep working. */

export type CounterName =
  | "controller_runtime_reconcile_total"
  | "controller_runtime_reconcile_errors_total"
  | "controller_runtime_terminal_reconcile_errors_total"
  | "controller_runtime_reconcile_panics_total"
  | "controller_runtime_reconcile_timeouts_total"
  | "workqueue_adds_total"
  | "workqueue_retries_total"
  | "rest_client_requests_total"
  | "coffer_informer_resyncs_total"
  | "coffer_events_dropped_total"

export type GaugeName =
  | "workqueue_depth"
  | "controller_runtime_active_workers"
  | "controller_runtime_max_concurrent_reconciles"
  | "leader_election_master_status"
  | "coffer_informer_objects"

export type DurationName =
  | "workqueue_queue_duration_seconds"
  | "workqueue_work_duration_seconds"
  | "controller_runtime_reconcile_time_seconds"

export type MetricLabels = Readonly<Record<string, string>>

/** Where the runtime reports to. Implementations must be cheap and must not throw. */
export interface RuntimeMetrics {
  increment(name: CounterName, labels: MetricLabels, by?: number): void
  set(name: GaugeName, labels: MetricLabels, value: number): void
  /** Adds one observation, in seconds. */
  observe(name: DurationName, labels: MetricLabels, seconds: number): void
}

export const noMetrics: RuntimeMetrics = { increment() {}, set() {}, observe() {} }

export interface MetricSample {
  readonly name: string
  readonly labels: MetricLabels
  readonly value: number
}

/** Plain numbers in memory: durations become `<name>_sum` and `<name>_count`. */
export interface MetricsRegistry extends RuntimeMetrics {
  /** The value of one series; 0 if nothing was reported. */
  read(name: string, labels: MetricLabels): number
  samples(): MetricSample[]
}

/** A registry that an HTTP endpoint can expose and that tests can read. */
export function createMetricsRegistry(): MetricsRegistry {
  const series = new Map<string, { name: string; labels: MetricLabels; value: number }>()
  const at = (name: string, labels: MetricLabels) => {
    const id = seriesId(name, labels)
    let entry = series.get(id)
    if (!entry) {
      entry = { name, labels, value: 0 }
      series.set(id, entry)
    }
    return entry
  }
  return {
    increment(name, labels, by = 1) {
      at(name, labels).value += by
    },
    set(name, labels, value) {
      at(name, labels).value = value
    },
    observe(name, labels, seconds) {
      at(`${name}_sum`, labels).value += seconds
      at(`${name}_count`, labels).value += 1
    },
    read: (name, labels) => series.get(seriesId(name, labels))?.value ?? 0,
    samples: () => [...series.values()].map((entry) => ({ ...entry })),
  }
}

function seriesId(name: string, labels: MetricLabels): string {
  const keys = Object.keys(labels).sort()
  return `${name}{${keys.map((key) => `${key}=${JSON.stringify(labels[key])}`).join(",")}}`
}
