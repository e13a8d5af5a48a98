import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, aProject } from "./test-app.ts"

/** Why may X read Y, through the HTTP API, on either database. */
export function describeAccess(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "explaining access", (open) => {
    async function aScene() {
      const instance = await anInstance(await open())
      const project = await aProject(instance)
      const machine = await aMachine(instance, { project: project.id })
      const { test, adminToken: token } = instance
      const explain = (query: Record<string, string>, by = token) =>
        test.call(
          "GET",
          `/coffer/v1/projects/${project.id}/access/explain?${new URLSearchParams({ actorId: machine.id, ...query })}`,
          { token: by },
        )
      return { instance, project, machine, test, token, explain }
    }

    it("names the role that allows, and that nothing allows a viewer to write", async () => {
      const { explain, machine, test } = await aScene()
      const read = await explain({ environment: "prod", secretPath: "/api", secretName: "KEY" })
      expect(read.body).toMatchObject({
        actor: { type: "identity", id: machine.id },
        isAllowed: true,
        reason: "allowed-by-rule",
        resource: { environment: "prod", secretPath: "/api", secretName: "KEY" },
        decidedBy: {
          kind: "built-in-role",
          name: "viewer",
          rule: { action: "readValue", subject: "secrets" },
        },
      })
      expect(await test.lastEvent()).toMatchObject({
        type: "explain-access",
        metadata: { actorId: machine.id, action: "readValue", isAllowed: true, secretKey: "KEY" },
      })
      expect((await explain({ action: "edit" })).body).toMatchObject({
        isAllowed: false,
        reason: "no-rule-allows",
        decidedBy: null,
      })
    })

    it("names the deny that wins, with the tags of the secret as the rules see them", async () => {
      const { explain, machine, project, test, token } = await aScene()
      const place = { projectId: project.id, environment: "prod", secretPath: "/" }
      const { tag } = await test.ok("POST", `/v1/projects/${project.id}/tags`, {
        token,
        body: { slug: "sealed", color: "" },
      })
      const secret = { ...place, secretValue: "a", tagIds: [tag.id] }
      await test.ok("POST", "/v4/secrets/KEY", { token, body: secret })
      const permissions = [
        { subject: "secrets", action: ["describeSecret", "readValue"] },
        {
          subject: "secrets",
          action: "readValue",
          inverted: true,
          conditions: { secretTags: { $in: ["sealed"] } },
        },
      ]
      await test.ok("POST", `/v1/projects/${project.id}/roles`, {
        token,
        body: { slug: "no-sealed", name: "No sealed", permissions },
      })
      const membership = `/v1/projects/${project.id}/memberships/identities/${machine.id}`
      await test.ok("PATCH", membership, {
        token,
        body: { roles: [{ role: "viewer" }, { role: "no-sealed" }] },
      })
      const asked = { environment: "prod", secretName: "KEY" }
      const { body } = await explain(asked)
      expect(body).toMatchObject({
        isAllowed: false,
        reason: "denied-by-rule",
        resource: { secretTags: ["sealed"] },
        decidedBy: { kind: "role", name: "no-sealed", rule: { inverted: true } },
      })
      expect(body.grants.map((grant: { name: string }) => grant.name).toSorted()).toEqual([
        "no-sealed",
        "viewer",
      ])
      const query = `environment=prod&projectId=${project.id}`
      expect((await test.call("GET", `/v4/secrets/KEY?${query}`, { token: machine.token })).status).toBe(403)
      expect((await explain({ ...asked, action: "describeSecret" })).body.isAllowed).toBe(true)
    })

    it("tells strangers apart from the unknown, and refuses who may not see members", async () => {
      const { explain, instance, machine } = await aScene()
      const stranger = await aMachine(instance)
      expect((await explain({ actorId: stranger.id })).body).toMatchObject({
        isAllowed: false,
        reason: "not-a-member",
        grants: [],
      })
      expect((await explain({ actorId: crypto.randomUUID() })).status).toBe(404)
      expect((await explain({ actorType: "user" })).status).toBe(404)
      expect((await explain({ action: "subscribe-to-creation-events" })).status).toBe(422)
      expect((await explain({}, stranger.token)).status).toBe(403)
      expect((await explain({}, machine.token)).status).toBe(200)
    })
  })
}
