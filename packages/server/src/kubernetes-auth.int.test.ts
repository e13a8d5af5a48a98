/** Kubernetes auth against a real API server: real service accounts, real tokens, real reviews. */
import { describeDatabase, describeWithControlPlane, kubectl, kubectlTool } from "@coffer/testkit"
import { beforeAll, expect, it } from "vitest"
import { aMachine, anInstance } from "./testing/test-app.ts"

const accounts = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: billing, namespace: default }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reviewer, namespace: default }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: reviewer }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:auth-delegator" }
subjects: [{ kind: ServiceAccount, name: reviewer, namespace: default }]
`

describeWithControlPlane(
  "Kubernetes auth",
  (plane) => {
    const tokenOf = async (account: string, audience?: string): Promise<string> => {
      const audiences = audience === undefined ? [] : [`--audience=${audience}`]
      return (await kubectl(plane(), ["create", "token", account, "--duration=10m", ...audiences])).trim()
    }

    beforeAll(async () => {
      await kubectl(plane(), ["apply", "-f", "-"], accounts)
    })

    describeDatabase("sqlite", "with a server", (open) => {
      async function anIdentity(settings: Record<string, unknown>) {
        const storage = await open()
        const instance = await anInstance(storage)
        const { test, adminToken: token } = instance
        const machine = await aMachine(instance)
        const path = `/v1/auth/kubernetes-auth/identities/${machine.id}`
        const caCert = Buffer.from(plane().caBytes).toString("utf8")
        const body = { kubernetesHost: plane().url, caCert, ...settings }
        const attached = await test.ok("POST", path, { token, body })
        const login = (jwt: string) =>
          test.call("POST", "/v1/auth/kubernetes-auth/login", { body: { identityId: machine.id, jwt } })
        return { ...instance, storage, path, attached, login }
      }

      it("a service account logs in, reviewed by a reviewer whose token is kept sealed", async () => {
        const reviewer = await tokenOf("reviewer")
        const made = await anIdentity({ tokenReviewerJwt: reviewer, allowedNames: "billing, other" })
        expect(made.attached.identityKubernetesAuth).toMatchObject({
          kubernetesHost: plane().url,
          tokenReviewerJwt: "",
          hasTokenReviewerJwt: true,
          tokenReviewMode: "api",
        })
        expect(await made.login(await tokenOf("billing"))).toMatchObject({
          status: 200,
          body: { tokenType: "Bearer" },
        })
        expect(await made.test.lastEvent()).toMatchObject({
          type: "login-identity-kubernetes-auth",
          metadata: { subject: "default/billing" },
        })
        const rows = await made.storage.database.reader
          .selectFrom("identity_auth_method")
          .selectAll()
          .execute()
        expect(JSON.stringify([rows, await made.test.auditEvents()])).not.toContain(reviewer.split(".")[1])
      })

      it("without a reviewer the token reviews itself, where it may", async () => {
        const made = await anIdentity({})
        expect((await made.login(await tokenOf("reviewer"))).status).toBe(200)
        expect(await made.login(await tokenOf("billing"))).toMatchObject({
          status: 401,
          body: { message: expect.stringContaining("may not review tokens") },
        })
      })

      it("namespaces, names and audiences that are not allowed are refused with the contract's words", async () => {
        const reviewer = await tokenOf("reviewer")
        const cases = [
          [{ allowedNamespaces: "prod-*,staging" }, undefined, "Access denied: K8s namespace not allowed."],
          [{ allowedNames: "bill" }, undefined, "Access denied: K8s name not allowed."],
          [{ allowedAudience: "coffer" }, undefined, "not authenticated"],
        ] as const
        for (const [settings, audience, message] of cases) {
          const made = await anIdentity({ tokenReviewerJwt: reviewer, ...settings })
          expect(await made.login(await tokenOf("billing", audience))).toMatchObject({
            status: 401,
            body: { message: expect.stringContaining(message) },
          })
        }
        const open = await anIdentity({
          tokenReviewerJwt: reviewer,
          allowedNamespaces: "def*",
          allowedNames: "billing",
          allowedAudience: "coffer",
        })
        expect((await open.login(await tokenOf("billing", "coffer"))).status).toBe(200)
      })

      it("a token that is none, an API server that is away and a wrong authority are told apart", async () => {
        const reviewer = await tokenOf("reviewer")
        const made = await anIdentity({ tokenReviewerJwt: reviewer })
        expect((await made.login("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")).status).toBe(401)
        const { test, adminToken: token, path } = made
        await test.ok("PATCH", path, { token, body: { caCert: "", tokenReviewerJwt: reviewer } })
        const billing = await tokenOf("billing")
        expect(await made.login(billing)).toMatchObject({
          status: 503,
          body: { message: expect.stringContaining("certificate") },
        })
        const elsewhere = { kubernetesHost: "https://127.0.0.1:1", tokenReviewerJwt: reviewer }
        await test.ok("PATCH", path, { token, body: elsewhere })
        expect((await made.login(billing)).status).toBe(503)
      })
    })
  },
  { tools: [kubectlTool] },
)
