/** Which address is the API of the cluster that the server itself runs in. Pure. */

// Exact names: a longer one could be anybody's.
const names = new Set([
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
])

/** True for the name by which every pod knows the API of its cluster; its service has this one port. */
export function isOwnCluster(kubernetesHost: string): boolean {
  const { protocol, hostname, port, pathname } = new URL(kubernetesHost)
  return protocol === "https:" && port === "" && pathname === "/" && names.has(hostname)
}
