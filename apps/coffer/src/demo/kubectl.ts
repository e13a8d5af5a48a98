/** `kubectl get` where kubectl is installed, and the same output made from the API server's answer where not. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { SECRETS } from "@coffer/kube-runtime"
import { EXTERNAL_SECRETS } from "../kubernetes/resources.ts"
import { readTable, renderTable } from "../kubernetes/table.ts"
import type { Sandbox } from "./sandbox.ts"

const execute = promisify(execFile)
const TIMEOUT_MS = 30_000

/** The output of `kubectl get externalsecret <name> -n <namespace>`. */
export async function kubectlGetTable(sandbox: Sandbox, namespace: string, name: string): Promise<string> {
  const printed = await kubectl(sandbox, ["get", "externalsecret", name, "-n", namespace])
  if (printed !== undefined) return printed.trimEnd()
  return renderTable(await readTable(sandbox.kube, EXTERNAL_SECRETS, { namespace, name }))
}

/** The output of `kubectl get secret ... -o jsonpath='{.data.<key>}' | base64 -d`. */
export async function kubectlGetValue(
  sandbox: Sandbox,
  namespace: string,
  name: string,
  key: string,
): Promise<string> {
  const printed = await kubectl(sandbox, [
    "get",
    "secret",
    name,
    "-n",
    namespace,
    "-o",
    `jsonpath={.data.${key}}`,
  ])
  const base64 = printed ?? (await sandbox.kube.get(SECRETS, { namespace, name })).data?.[key] ?? ""
  return Buffer.from(base64, "base64").toString("utf8")
}

/** What kubectl printed, or `undefined` where it is not installed. */
async function kubectl(sandbox: Sandbox, args: readonly string[]): Promise<string | undefined> {
  const cache = `--cache-dir=${join(sandbox.folder, "kubectl-cache")}`
  try {
    const { stdout } = await execute(
      "kubectl",
      [`--kubeconfig=${sandbox.plane.kubeconfigPath}`, cache, ...args],
      {
        timeout: TIMEOUT_MS,
      },
    )
    return stdout
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}
