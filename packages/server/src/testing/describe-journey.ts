import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, aProject, aSecret } from "./test-app.ts"

/** The journey of one secret through the HTTP API, on either database. */
export function describeJourney(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the journey of one secret", (open) => {
    it("a stored secret is read by an identity that logs in with universal auth, and all of it is audited", async () => {
      const instance = await anInstance(await open())
      const project = await aProject(instance, { slug: "frank-cluster-iwpg" })
      const machine = await aMachine(instance, { project: project.id, role: "viewer" })
      await aSecret(instance, { project: project.id, key: "CLUSTER_TEST_KEY", value: "hello-from-infisical" })

      const answer = await instance.test.call(
        "GET",
        "/v3/secrets/raw/CLUSTER_TEST_KEY?environment=prod&expandSecretReferences=true&include_imports=true&secretPath=%2F&type=shared&workspaceSlug=frank-cluster-iwpg",
        { token: machine.token },
      )

      expect(answer.status).toBe(200)
      expect(answer.body.secret).toMatchObject({
        secretKey: "CLUSTER_TEST_KEY",
        secretValue: "hello-from-infisical",
        version: 1,
        type: "shared",
        environment: "prod",
        secretPath: "/",
        workspace: project.id,
      })
      expect(answer.body.secret._id).toBe(answer.body.secret.id)
      const types = (await instance.test.auditEvents()).map((event) => event.type)
      expect(types).toEqual([
        "bootstrap-instance",
        "create-project",
        "create-identity",
        "create-identity-project-membership",
        "add-identity-universal-auth",
        "create-identity-universal-auth-client-secret",
        "login-identity-universal-auth",
        "create-secret",
        "get-secret",
      ])
    })

    it("a changed value is what the next read answers, under the same id", async () => {
      const instance = await anInstance(await open())
      const { test, adminToken: token } = instance
      const project = await aProject(instance)
      const created = await aSecret(instance, { project: project.id, key: "A", value: "one" })
      const place = { workspaceId: project.id, environment: "prod" }
      const read = `/v4/secrets/A?projectId=${project.id}&environment=prod`
      expect((await test.ok("GET", read, { token })).secret.secretValue).toBe("one")

      const body = { ...place, secretValue: "two" }
      const { secret } = await test.ok("PATCH", "/v3/secrets/raw/A", { token, body })

      expect(secret).toMatchObject({ id: created.id, version: 2, secretValue: "two" })
      expect((await test.ok("GET", read, { token })).secret).toMatchObject({ version: 2, secretValue: "two" })
      expect((await test.ok("GET", `${read}&version=1`, { token })).secret.secretValue).toBe("one")
      await test.ok("DELETE", "/v3/secrets/raw/A", { token, body: place })
      expect((await test.call("GET", read, { token })).body.message).toBe("Secret with name 'A' not found")
    })

    it("two servers on one database never answer with what the other one replaced", async () => {
      const storage = await open()
      const instance = await anInstance(storage)
      const project = await aProject(instance)
      await aSecret(instance, { project: project.id, key: "A", value: "old" })
      const { TestApp } = await import("./test-app.ts")
      const other = new TestApp(storage)
      const { adminToken: token, test } = instance
      const read = `/v4/secrets?projectId=${project.id}&environment=prod`
      expect((await other.ok("GET", read, { token })).secrets[0].secretValue).toBe("old")

      const body = { workspaceId: project.id, environment: "prod", secretValue: "new" }
      await test.ok("PATCH", "/v3/secrets/raw/A", { token, body })
      expect((await other.ok("GET", read, { token })).secrets[0].secretValue).toBe("new")

      const machine = await aMachine(instance, { project: project.id })
      expect((await other.call("GET", read, { token: machine.token })).status).toBe(200)
      await test.ok("DELETE", `/v1/projects/${project.id}/memberships/identities/${machine.id}`, { token })
      expect((await other.call("GET", read, { token: machine.token })).status).toBe(403)
      await test.ok("POST", "/v1/auth/token/revoke", { body: { accessToken: machine.token } })
      expect((await other.call("GET", read, { token: machine.token })).status).toBe(401)
    })
  })
}
