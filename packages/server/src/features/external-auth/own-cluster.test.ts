import { expect, it } from "vitest"
import { isOwnCluster } from "./own-cluster.ts"

it.for([
  ["https://kubernetes.default.svc", true],
  ["https://kubernetes.default.svc:443/", true],
  ["https://KUBERNETES.default.svc.cluster.local", true],
  ["https://kubernetes.default", true],
  ["http://kubernetes.default.svc", false],
  ["https://kubernetes.default.svc:8443", false],
  ["https://kubernetes.default.svc/elsewhere", false],
  ["https://kubernetes.default.svc.attacker.test", false],
  ["https://other.kubernetes.default.svc", false],
  ["https://vault.default.svc", false],
  ["https://10.96.0.1", false],
] as const)("%s is the API of the server's own cluster: %s", ([host, expected]) => {
  expect(isOwnCluster(host)).toBe(expected)
})
