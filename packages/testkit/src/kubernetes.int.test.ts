import { expect, it } from "vitest"
import { describeWithControlPlane, KubectlError, kubectl, kubectlTool } from "./kubernetes.ts"

describeWithControlPlane(
  "kubectl against a control plane for tests",
  (plane) => {
    it("applies a manifest from standard input and reads it back", async () => {
      const manifest = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "greeting" },
        stringData: { text: "hello" },
      }
      await kubectl(plane(), ["apply", "-f", "-"], JSON.stringify(manifest))
      const encoded = await kubectl(plane(), ["get", "secret", "greeting", "-o", "jsonpath={.data.text}"])
      expect(Buffer.from(encoded, "base64").toString()).toBe("hello")
    })

    it("fails with kubectl's exit code and words", async () => {
      const failure = await kubectl(plane(), ["get", "secret", "absent"]).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(KubectlError)
      expect((failure as KubectlError).exitCode).toBe(1)
      expect((failure as KubectlError).message).toContain('secrets "absent" not found')
    })
  },
  { tools: [kubectlTool] },
)
