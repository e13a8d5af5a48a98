import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aStranger } from "./a-stranger.ts"
import { aMachine, anInstance, aProject, type Instance } from "./test-app.ts"

type Json = Readonly<Record<string, unknown>>

const publicKey =
  "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----"
const methods: readonly (readonly [string, Json])[] = [
  ["jwt-auth", { configurationType: "static", publicKeys: [publicKey], boundSubject: "me" }],
  ["oidc-auth", { oidcDiscoveryUrl: "https://issuer.invalid", boundIssuer: "https://issuer.invalid" }],
  ["kubernetes-auth", { kubernetesHost: "https://kubernetes.invalid" }],
]
const loosened = { accessTokenTrustedIps: [{ ipAddress: "0.0.0.0/0" }] }
const boundary = [403, "PermissionBoundaryError"]

/** Whoever decides how an identity logs in can log in as it. */
export function describeLoginBoundary(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "who decides how an identity logs in", (open) => {
    const attempts = (instance: Instance, token: string, identityId: string) => {
      const send = async (method: string, name: string, body: Json) => {
        const url = `/v1/auth/${name}/identities/${identityId}`
        const answer = await instance.test.call(method, url, { token, body })
        return [answer.status, answer.body.error]
      }
      return {
        attach: () => Promise.all(methods.map(([name, body]) => send("POST", name, body))),
        loosen: () => send("PATCH", "universal-auth", loosened),
      }
    }

    async function aScene() {
      const instance = await anInstance(await open())
      const own = (await aProject(instance, { name: "own" })).id
      const other = (await aProject(instance, { name: "other" })).id
      const attacker = await aMachine(instance, { orgRole: "member", project: own, role: "admin" })
      const add = (project: string, identityId: string, role: string) =>
        instance.test.ok("POST", `/v2/workspace/${project}/identity-memberships/${identityId}`, {
          token: instance.adminToken,
          body: { role },
        })
      return { instance, own, other, attacker, add }
    }

    it("not somebody who may do less than the identity, by no method and by no change", async () => {
      const { instance, own, other, attacker, add } = await aScene()
      const victims = [
        await aMachine(instance, { project: other, role: "admin" }),
        await aMachine(instance, { project: other, role: "viewer", orgRole: "member" }),
        await aMachine(instance, { project: own, role: "viewer" }),
      ]
      await add(other, victims[2]?.id ?? "", "viewer")
      for (const { id } of victims) {
        const { attach, loosen } = attempts(instance, attacker.token, id)
        expect(await attach()).toEqual(methods.map(() => boundary))
        expect(await loosen()).toEqual(boundary)
        for (const [name] of methods) {
          const url = `/v1/auth/${name}/identities/${id}`
          expect((await instance.test.call("GET", url, { token: instance.adminToken })).status).toBe(404)
        }
      }
    })

    it("nor by a privilege or a role of the project's own that the identity has, also one that ends", async () => {
      const { instance, own, attacker, add } = await aScene()
      const { test, adminToken: token } = instance
      const permissions = [{ subject: "secrets", action: ["readValue"], conditions: { environment: "prod" } }]
      const body = { slug: "prod", name: "Prod", permissions }
      await test.ok("POST", `/v1/projects/${own}/roles`, { token, body })
      const weak = await aMachine(instance, { orgRole: "member", project: own, role: "no-access" })
      const withRole = await aMachine(instance, { project: own, role: "prod" })
      const withPrivilege = await aMachine(instance)
      await add(own, withPrivilege.id, "no-access")
      await test.ok("POST", "/v2/identity-project-additional-privilege", {
        token,
        body: {
          identityId: withPrivilege.id,
          projectId: own,
          slug: "for-a-while",
          permissions: [{ subject: "secrets", action: ["readValue"] }],
          type: {
            isTemporary: true,
            temporaryMode: "relative",
            temporaryRange: "2h",
            temporaryAccessStartTime: new Date(test.clock.now()).toISOString(),
          },
        },
      })
      for (const { id } of [withRole, withPrivilege]) {
        expect(await attempts(instance, weak.token, id).attach()).toEqual(methods.map(() => boundary))
        expect(await attempts(instance, attacker.token, id).attach()).toEqual(
          methods.map(() => [200, undefined]),
        )
      }
    })

    it("but whoever holds as much, of an identity without rights, and administrators of everybody", async () => {
      const { instance, own, other, attacker } = await aScene()
      const equal = await aMachine(instance, { project: own, role: "admin" })
      const without = await aMachine(instance, { project: other, role: "no-access" })
      const foreign = await aMachine(instance, { project: other, role: "admin" })
      for (const [token, id] of [
        [attacker.token, equal.id],
        [attacker.token, without.id],
        [instance.adminToken, foreign.id],
      ] as const) {
        const { attach, loosen } = attempts(instance, token, id)
        expect(await attach()).toEqual(methods.map(() => [200, undefined]))
        expect(await loosen()).toEqual([200, undefined])
      }
    })

    it("whoever set a login up, changed it or made a credential for it stays known when the identity may do more later", async () => {
      const { instance, own, attacker, add } = await aScene()
      const { test, adminToken } = instance
      const { identity } = await test.ok("POST", "/v1/identities", {
        token: adminToken,
        body: { name: "later", organizationId: instance.orgId },
      })
      const url = `/coffer/v1/identities/${identity.id}/logins`
      const authorsOf = async () => {
        const { logins } = await test.ok("GET", url, { token: attacker.token })
        return Object.fromEntries(
          (logins as { method: string; authors: { id: string }[] }[]).map(({ method, authors }) => [
            method,
            authors.map(({ id }) => id),
          ]),
        )
      }
      expect(await authorsOf()).toEqual({})
      const at = (name: string) => `/v1/auth/${name}/identities/${identity.id}`
      await test.ok("POST", at("jwt-auth"), { token: attacker.token, body: methods[0]?.[1] ?? {} })
      await test.ok("POST", at("universal-auth"), { token: adminToken, body: {} })
      await add(own, identity.id, "admin")
      test.clock.advance(1_000)
      await test.ok("PATCH", at("jwt-auth"), { token: adminToken, body: loosened })
      await test.ok("PATCH", at("universal-auth"), { token: attacker.token, body: loosened })
      test.clock.advance(1_000)
      await test.ok("POST", `${at("universal-auth")}/client-secrets`, { token: adminToken, body: {} })
      expect(await authorsOf()).toEqual({
        "jwt-auth": [instance.adminId, attacker.id],
        "universal-auth": [instance.adminId, attacker.id],
      })
      const { logins } = await test.ok("GET", url, { token: adminToken })
      expect(logins[0].authors[1]).toEqual({
        type: "identity",
        id: attacker.id,
        name: "eso",
        actedAt: logins[0].createdAt,
      })
      await test.ok("POST", at("token-auth"), { token: adminToken, body: {} })
      const second = await aMachine(instance, { orgRole: "admin" })
      await test.ok("POST", `${at("token-auth")}/tokens`, { token: second.token, body: {} })
      expect((await authorsOf())["token-auth"]?.toSorted()).toEqual([instance.adminId, second.id].toSorted())
      await test.ok("DELETE", at("jwt-auth"), { token: adminToken })
      expect(Object.keys(await authorsOf())).toEqual(["token-auth", "universal-auth"])
    })

    it("who may not read identities learns of no login, nor somebody of another organization", async () => {
      const { instance, attacker } = await aScene()
      const url = `/coffer/v1/identities/${attacker.id}/logins`
      const nobody = await aMachine(instance)
      expect((await instance.test.call("GET", url, { token: nobody.token })).status).toBe(403)
      const stranger = await aStranger(instance)
      expect((await instance.test.call("GET", url, { token: stranger.token })).status).toBe(404)
    })
  })
}
