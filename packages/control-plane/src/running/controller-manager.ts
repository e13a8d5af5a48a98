import type { SupervisedProgram, Supervisor } from "../supervision/supervisor.ts"

/** What tests and the demo see of a cluster: owners take their dependents along, namespaces go away. */
const controllers = [
  "garbage-collector-controller",
  "namespace-controller",
  "serviceaccount-controller",
  "clusterrole-aggregation-controller",
]

/**
 * Starts kube-controller-manager with a few controllers. It serves nothing, so there is no readiness to
 * wait for: callers wait for the effect they need.
 */
export function startControllerManager(
  supervisor: Supervisor,
  file: string,
  kubeconfigPath: string,
): Promise<SupervisedProgram> {
  return supervisor.start({
    name: "kube-controller-manager",
    file,
    args: [
      `--kubeconfig=${kubeconfigPath}`,
      `--controllers=${controllers.join(",")}`,
      "--leader-elect=false",
      "--secure-port=0",
      "--kube-api-qps=500",
      "--kube-api-burst=1000",
      "--profiling=false",
    ],
  })
}
