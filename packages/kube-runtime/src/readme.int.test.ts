import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { expect, it } from "vitest"
import { CONFIG_MAPS } from "./core-resources.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { waitFor } from "./testing/wait-for.ts"

describeWithCluster("the README", (cluster) => {
  it("the example of the README does what the README says", async () => {
    const { client, controlPlane, aNamespace } = cluster()
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8")
    const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ""
    const namespace = await aNamespace()
    const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", example], {
      cwd: import.meta.dirname,
      env: { PATH: process.env["PATH"], KUBECONFIG: controlPlane.kubeconfigPath },
      stdio: ["ignore", "inherit", "inherit"],
    })
    const ended = once(child, "exit")
    try {
      const key = { namespace, name: "welcome" }
      const greeting = await waitFor("the greeting", () => client.find(CONFIG_MAPS, key))
      expect(greeting.data).toEqual({ text: `hello, ${namespace}` })
      expect(greeting.metadata.managedFields?.[0]?.manager).toBe("welcome")
      await client.delete(CONFIG_MAPS, key)
      await waitFor("the greeting again", () => client.find(CONFIG_MAPS, key))
      const later = await aNamespace()
      await waitFor("the greeting of a new namespace", () =>
        client.find(CONFIG_MAPS, { namespace: later, name: "welcome" }),
      )
      child.kill("SIGTERM")
      expect(await ended).toEqual([0, null])
    } finally {
      child.kill("SIGKILL")
    }
  })
})
