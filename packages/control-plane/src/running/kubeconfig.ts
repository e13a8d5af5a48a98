import { writeFile } from "node:fs/promises"

export type KubeconfigContent = {
  readonly url: string
  readonly token: string
  readonly caBytes: Uint8Array
}

/** Writes a kubeconfig that only this user may read. JSON, which is YAML, so nothing needs quoting rules. */
export async function writeKubeconfig(path: string, content: KubeconfigContent): Promise<void> {
  const name = "coffer"
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server: content.url,
          "certificate-authority-data": Buffer.from(content.caBytes).toString("base64"),
        },
      },
    ],
    users: [{ name, user: { token: content.token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    "current-context": name,
  }
  await writeFile(path, `${JSON.stringify(kubeconfig, undefined, 2)}\n`, { mode: 0o600 })
}
