import { execFileSync } from "node:child_process"
import type { ControlPlane } from "@coffer/control-plane"

/** Makes etcd forget every version before this one, as the API server has it done every five minutes. */
export async function compact(controlPlane: ControlPlane, resourceVersion: string): Promise<void> {
  const args = execFileSync("ps", ["-ww", "-o", "args=", "-p", String(controlPlane.pids.etcd)], {
    encoding: "utf8",
  })
  const etcd = /--listen-client-urls=(\S+)/.exec(args)?.[1]
  if (!etcd) throw new Error("cannot find etcd's address")
  const response = await fetch(`${etcd}/v3/kv/compaction`, {
    method: "POST",
    body: JSON.stringify({ revision: resourceVersion, physical: true }),
  })
  if (!response.ok) throw new Error(`etcd answered ${response.status} to a compaction`)
}
