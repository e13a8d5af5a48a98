/**
 * A small controller runtime: a typed client, informers, a work queue, the reconcile contract, leader election and
 * events. It knows no custom kind and imports nothing of ours; whoever writes a controller imports only from here.
 */
export * from "./client.ts"
export * from "./clock.ts"
export * from "./cluster-config.ts"
export * from "./controller.ts"
export * from "./core-resources.ts"
export * from "./create-client.ts"
export * from "./create-informer.ts"
export * from "./errors.ts"
export * from "./events.ts"
export * from "./informer.ts"
export * from "./kubeconfig.ts"
export * from "./leader-election.ts"
export * from "./logger.ts"
export * from "./metrics.ts"
export * from "./queue.ts"
export * from "./request.ts"
export * from "./resource.ts"
export * from "./runtime.ts"
export * from "./source.ts"
