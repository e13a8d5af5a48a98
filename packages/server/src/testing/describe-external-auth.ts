import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { describeDatabase } from "@coffer/testkit"
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose"
import { afterEach, expect, it } from "vitest"
import { aMachine, anInstance, aProject, type Instance } from "./test-app.ts"

type Key = {
  readonly kid: string
  readonly pair: Awaited<ReturnType<typeof generateKeyPair>>
  readonly alg: string
}

/** Logins with tokens of somebody else's, on either database. */
export function describeExternalAuth(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "logins with tokens of other issuers", (open) => {
    let issuer: Server | undefined
    let fetches = 0

    afterEach(() => {
      issuer?.closeAllConnections()
      issuer?.close()
      issuer = undefined
      fetches = 0
    })

    /** A bound identity that may read a project, with the method attached. */
    async function anIdentity(method: string, settings: object, config = { allowInternalConnections: true }) {
      const instance = await anInstance(await open(), config)
      const project = await aProject(instance)
      const machine = await aMachine(instance, { project: project.id })
      const path = `/v1/auth/${method}/identities/${machine.id}`
      const { test, adminToken: token } = instance
      const attached = await test.ok("POST", path, { token, body: settings as Record<string, unknown> })
      const login = (jwt: string, more: object = {}) =>
        test.call("POST", `/v1/auth/${method}/login`, { body: { identityId: machine.id, jwt, ...more } })
      return { instance, project, machine, path, attached, login }
    }

    const newKey = async (kid: string, alg = "ES256"): Promise<Key> => ({
      kid,
      alg,
      pair: await generateKeyPair(alg, { extractable: true }),
    })

    async function sign({ test }: Instance, key: Key, claims: JWTPayload = {}, header: object = {}) {
      const now = Math.floor(test.clock.now() / 1_000)
      return await new SignJWT({ iss: "https://issuer.test", sub: "job/7", aud: "coffer", ...claims })
        .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
        .setIssuedAt(now)
        .setExpirationTime(claims.exp ?? now + 60)
        .sign(key.pair.privateKey)
    }

    /** Serves a key set, and a discovery document that names it. */
    async function publish(keys: readonly Key[], options: { readonly withKeyIds?: boolean } = {}) {
      const jwks = await Promise.all(
        keys.map(async ({ kid, alg, pair }) => ({
          ...(await exportJWK(pair.publicKey)),
          alg,
          ...(options.withKeyIds === false ? {} : { kid }),
        })),
      )
      const set = [...jwks]
      issuer = createServer((request, response) => {
        fetches += 1
        const at = `http://${request.headers.host}`
        const isDiscovery = request.url === "/.well-known/openid-configuration"
        const document = isDiscovery
          ? { issuer: "https://issuer.test", jwks_uri: `${at}/keys` }
          : { keys: set }
        response.setHeader("content-type", "application/json").end(JSON.stringify(document))
      })
      await new Promise<void>((resolve) => issuer?.listen(0, "127.0.0.1", resolve))
      return `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
    }

    it("a JWT signed by a static key opens a token that reads, and the log names who proved what", async () => {
      const [first, second] = [await newKey("a"), await newKey("b", "RS256")]
      const publicKeys = [await exportSPKI(first.pair.publicKey), await exportSPKI(second.pair.publicKey)]
      const { instance, project, login, machine } = await anIdentity("jwt-auth", {
        configurationType: "static",
        publicKeys,
        boundIssuer: "https://issuer.test",
      })
      for (const key of [first, second]) {
        const answer = await login(await sign(instance, key))
        expect(answer).toMatchObject({ status: 200, body: { tokenType: "Bearer", expiresIn: 2_592_000 } })
        const list = `/v3/secrets/raw?workspaceId=${project.id}&environment=dev`
        const read = await instance.test.call("GET", list, { token: answer.body.accessToken })
        expect(read.status).toBe(200)
      }
      const events = (await instance.test.auditEvents()).filter(
        ({ type }) => type === "login-identity-jwt-auth",
      )
      expect(events).toHaveLength(2)
      expect(events[0]).toMatchObject({
        actor: { type: "identity", id: machine.id, authMethod: "jwt-auth" },
        metadata: { identityId: machine.id, subject: "job/7" },
      })
    })

    it("what a JWT does not prove is refused with the contract's status, and is in the log", async () => {
      const key = await newKey("a")
      const { instance, login } = await anIdentity("jwt-auth", {
        configurationType: "static",
        publicKeys: [await exportSPKI(key.pair.publicKey)],
        boundIssuer: "https://issuer.test",
        boundAudiences: "other, coffer",
        boundSubject: "job/*",
        boundClaims: { "kubernetes.io.namespace": "prod,staging", groups: "deployers" },
      })
      const good = { kubernetes: { io: { namespace: "prod" } }, groups: ["readers", "deployers"] }
      expect((await login(await sign(instance, key, good))).status).toBe(200)
      const stranger = await newKey("a")
      const expired = Math.floor(instance.test.clock.now() / 1_000) - 60
      const refused = [
        [403, "issuer-mismatch", await sign(instance, key, { ...good, iss: "https://other.test" })],
        [403, "subject-mismatch", await sign(instance, key, { ...good, sub: "job/7/step" })],
        [403, "subject-mismatch", await sign(instance, key, { ...good, sub: "" })],
        [401, "audience-mismatch", await sign(instance, key, { ...good, aud: "somebody" })],
        [401, "claim-mismatch", await sign(instance, key, { ...good, groups: ["readers"] })],
        [401, "claim-mismatch", await sign(instance, key, { groups: "deployers" })],
        [401, "token-expired", await sign(instance, key, { ...good, exp: expired })],
        [401, "invalid-signature", await sign(instance, stranger, good)],
        [401, "token-malformed", "not-a-token"],
        [401, "token-malformed", `${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`],
      ] as const
      for (const [status, reasonCode, jwt] of refused) {
        const answer = await login(jwt)
        expect({ reasonCode, status: answer.status }).toEqual({ reasonCode, status })
        expect(answer.text).not.toContain(jwt)
        expect(await instance.test.lastEvent()).toMatchObject({
          type: "login-identity-jwt-auth-failed",
          metadata: { reasonCode },
        })
      }
    })

    it("a token signed with the public key as a shared secret is refused", async () => {
      const key = await newKey("a", "RS256")
      const pem = await exportSPKI(key.pair.publicKey)
      const { instance, login } = await anIdentity("jwt-auth", {
        configurationType: "static",
        publicKeys: [pem],
      })
      const now = Math.floor(instance.test.clock.now() / 1_000)
      const forged = await new SignJWT({ sub: "job/7" })
        .setProtectedHeader({ alg: "HS256" })
        .setIssuedAt(now)
        .setExpirationTime(now + 60)
        .sign(Buffer.from(pem))
      expect((await login(forged)).status).toBe(401)
    })

    it("a key set is fetched once for many logins, and keys without ids are tried", async () => {
      const keys = [await newKey("a"), await newKey("b"), await newKey("c")]
      const url = await publish(keys, { withKeyIds: false })
      const { instance, login } = await anIdentity("jwt-auth", {
        configurationType: "jwks",
        jwksUrl: `${url}/keys`,
      })
      for (const key of keys) {
        expect((await login(await sign(instance, key, {}, { kid: undefined }))).status).toBe(200)
      }
      expect((await login(await sign(instance, await newKey("d"), {}, { kid: undefined }))).status).toBe(401)
      expect(fetches).toBe(1)
    })

    it("an OpenID provider is found by its discovery document, and asked once", async () => {
      const key = await newKey("a")
      const url = await publish([key])
      const { instance, login, attached } = await anIdentity("oidc-auth", {
        oidcDiscoveryUrl: url,
        boundIssuer: "https://issuer.test",
        boundSubject: "job/7",
      })
      expect(attached.identityOidcAuth).toMatchObject({
        oidcDiscoveryUrl: url,
        boundSubject: "job/7",
        caCert: "",
      })
      for (const attempt of [1, 2, 3]) {
        expect({ attempt, status: (await login(await sign(instance, key))).status }).toEqual({
          attempt,
          status: 200,
        })
      }
      expect(fetches).toBe(2)
      expect((await login(await sign(instance, key, { sub: "job/8" }))).status).toBe(403)
      const otherIssuer = await login(await sign(instance, key, { iss: "https://other.test" }))
      expect(otherIssuer).toMatchObject({
        status: 401,
        body: { error: "UnauthorizedError", message: "Access denied: issuer mismatch" },
      })
    })

    it("a bound claim may be a pattern, as pipelines bind branches and groups of repositories", async () => {
      const key = await newKey("a")
      const { instance, login } = await anIdentity("oidc-auth", {
        oidcDiscoveryUrl: await publish([key]),
        boundIssuer: "https://issuer.test",
        boundClaims: { repository: "acme/*, lone", ref: "refs/heads/**" },
      })
      const status = async (repository: unknown, ref = "refs/heads/main") =>
        (await login(await sign(instance, key, { repository, ref }))).status
      for (const repository of ["acme/billing", "lone", ["other/x", "acme/billing"]]) {
        expect(await status(repository), String(repository)).toBe(200)
      }
      for (const repository of [
        "acme",
        "acme/billing/fork",
        "evil-acme/billing",
        "lonely",
        "*",
        "",
        7,
        null,
      ]) {
        expect(await status(repository), String(repository)).toBe(401)
      }
      expect(await status("lone", "refs/heads/release/1.2")).toBe(200)
      expect(await status("lone", "refs/tags/main")).toBe(401)
    })

    it("an issuer that is away is a 503, and one at an address that is not public is not asked", async () => {
      const key = await newKey("a")
      const url = await publish([key])
      const settings = { configurationType: "jwks", jwksUrl: `${url}/keys` }
      const guarded = await anIdentity("jwt-auth", settings, { allowInternalConnections: false })
      const refused = await guarded.login(await sign(guarded.instance, key))
      expect(refused).toMatchObject({ status: 503, body: { message: expect.stringContaining("not public") } })
      expect(fetches).toBe(0)
      await new Promise((resolve) => issuer?.close(resolve))
      const open = await anIdentity("jwt-auth", settings)
      const away = await open.login(await sign(open.instance, key))
      expect(away).toMatchObject({ status: 503, headers: { "retry-after": "5" } })
      expect(await open.instance.test.lastEvent()).toMatchObject({
        metadata: { reasonCode: "provider-unavailable" },
      })
    })

    it("settings are completed, changed field by field, refused by name, and taken away with their tokens", async () => {
      const key = await newKey("a")
      const pem = await exportSPKI(key.pair.publicKey)
      const { instance, login, path, project } = await anIdentity("jwt-auth", {
        configurationType: "static",
        publicKeys: [pem],
        boundSubject: "job/*",
      })
      const { test, adminToken: token } = instance
      const wrong = [
        [{ configurationType: "jwks" }, "jwksUrl"],
        [{ publicKeys: [] }, "publicKeys"],
        [{ publicKeys: ["nonsense"] }, "publicKeys.0"],
        [{ accessTokenTTL: 10, accessTokenMaxTTL: 5 }, "accessTokenTTL"],
      ] as const
      for (const [body, field] of wrong) {
        expect(await test.call("PATCH", path, { token, body })).toMatchObject({
          status: 400,
          body: { message: expect.stringContaining(field) },
        })
      }
      for (const jwksUrl of ["https://[issuer", "file:///etc/keys", "https://u:secret@issuer.test/keys"]) {
        const refused = await test.call("PATCH", path, { token, body: { jwksUrl } })
        expect([jwksUrl, refused.status, refused.text]).toEqual([
          jwksUrl,
          422,
          expect.stringContaining("jwksUrl"),
        ])
        expect(refused.text).not.toContain("secret")
      }
      const again = await test.call("POST", path, {
        token,
        body: { configurationType: "static", publicKeys: [pem] },
      })
      expect(again.status).toBe(400)
      const changed = await test.ok("PATCH", path, { token, body: { accessTokenTTL: 60 } })
      expect(changed.identityJwtAuth).toMatchObject({
        accessTokenTTL: 60,
        boundSubject: "job/*",
        publicKeys: [pem],
      })
      expect(await test.ok("GET", path, { token })).toEqual(changed)
      const { body } = await login(await sign(instance, key))
      expect(body.expiresIn).toBe(60)
      await test.ok("DELETE", path, { token })
      const list = `/v3/secrets/raw?workspaceId=${project.id}&environment=dev`
      expect((await test.call("GET", list, { token: body.accessToken })).status).toBe(401)
      expect(await login(await sign(instance, key))).toMatchObject({
        status: 404,
        body: { message: expect.stringContaining("JWT auth method not found for identity") },
      })
    })

    it("a reviewer's token that was given for one API server is not sent to another", async () => {
      const sent: (string | undefined)[] = []
      issuer = createServer((request, response) => {
        sent.push(request.headers.authorization)
        response.statusCode = 201
        response.setHeader("content-type", "application/json").end("{}")
      })
      await new Promise<void>((resolve) => issuer?.listen(0, "127.0.0.1", resolve))
      const elsewhere = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
      const kubernetesHost = "https://kubernetes.invalid"
      const settings = { kubernetesHost, allowedNamespaces: "apps", tokenReviewerJwt: "for-kubernetes" }
      const { instance, path, login } = await anIdentity("kubernetes-auth", settings)
      const { test, adminToken: token } = instance
      const change = (body: Readonly<Record<string, unknown>>) => test.call("PATCH", path, { token, body })
      const caCert = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
      for (const body of [{ kubernetesHost: elsewhere }, { caCert }]) {
        const refused = await change(body)
        expect([refused.status, refused.body.message]).toEqual([
          400,
          expect.stringContaining("tokenReviewerJwt is needed with another kubernetesHost or caCert"),
        ])
      }
      expect((await change({ allowedNamespaces: "web", kubernetesHost })).status).toBe(200)
      const moved = await change({ kubernetesHost: elsewhere, tokenReviewerJwt: "for-the-other" })
      expect(moved.status).toBe(200)
      await login("e30.e30.e30")
      expect(sent).toEqual(["Bearer for-the-other"])
      expect((await change({ kubernetesHost, tokenReviewerJwt: "" })).status).toBe(200)
    })

    it("only an administrator has the server ask a Kubernetes API server at a private address", async () => {
      const asked: (string | undefined)[] = []
      issuer = createServer((request, response) => {
        asked.push(request.url)
        response.writeHead(403).end()
      })
      await new Promise<void>((resolve) => issuer?.listen(0, "127.0.0.1", resolve))
      const { port } = issuer.address() as AddressInfo
      const internal = `http://127.0.0.1:${port}`
      const kubernetesHost = "https://kubernetes.invalid"
      const closed = { allowInternalConnections: false }
      const { instance, project, path, login } = await anIdentity(
        "kubernetes-auth",
        { kubernetesHost },
        closed,
      )
      const member = await aMachine(instance, { orgRole: "member", project: project.id })
      await instance.test.ok("DELETE", path, { token: instance.adminToken })
      const set = async (method: string, token: string, host: string, more: object = {}) =>
        (await instance.test.call(method, path, { token, body: { kubernetesHost: host, ...more } })).status
      const reasonNow = async () => (await login("e30.e30.e30")).body.message
      const isRefused = expect.stringContaining("administrator of the organization who sets kubernetesHost")
      const answered = expect.stringContaining("may not review tokens")

      expect(await set("POST", member.token, internal)).toBe(200)
      expect([await reasonNow(), asked]).toEqual([isRefused, []])
      // The name is judged by where it leads.
      expect(await set("PATCH", member.token, `http://localhost:${port}`)).toBe(200)
      expect([await reasonNow(), asked]).toEqual([isRefused, []])
      // Who changes something else has not named the host.
      const limits = { accessTokenTTL: 60 }
      const ttl = await instance.test.call("PATCH", path, { token: instance.adminToken, body: limits })
      expect([ttl.status, await reasonNow(), asked]).toEqual([200, isRefused, []])
      expect(await set("PATCH", instance.adminToken, internal)).toBe(200)
      expect(await reasonNow()).toEqual(answered)
      expect(asked).toEqual(["/apis/authentication.k8s.io/v1/tokenreviews"])
      // What was trusted stays so while the host is the same, and no longer.
      expect(await set("PATCH", member.token, internal, { allowedNames: "a" })).toBe(200)
      expect([await reasonNow(), asked.length]).toEqual([answered, 2])
      expect(await set("PATCH", member.token, `${internal}/elsewhere`)).toBe(200)
      expect([await reasonNow(), asked.length]).toEqual([isRefused, 2])
      for (const host of [`${internal}/?a=`, `${internal}/#`, `http://u:p@127.0.0.1:${port}`]) {
        expect(await set("PATCH", instance.adminToken, host), host).toBe(422)
      }
      // Settings from before this was asked go on as they are.
      const settings = JSON.stringify({ kubernetesHost: internal, caCert: "", tokenReviewerSealed: null })
      await instance.test.storage.database.write(async ({ db }) => {
        const update = db.updateTable("identity_auth_method").set({ settings })
        await update.where("method", "=", "kubernetes-auth").execute()
      })
      expect([await reasonNow(), asked.length]).toEqual([answered, 3])
      // The cluster that the server itself runs in needs nobody's word; here the name leads nowhere.
      for (const host of [
        "https://kubernetes.default.svc",
        "https://kubernetes.default.svc.cluster.local/",
      ]) {
        expect(await set("PATCH", member.token, host)).toBe(200)
        expect(await reasonNow()).toEqual(expect.stringMatching(/can't be reached|did not answer/))
      }
    })

    it("an identity of another organization's name, and one that is unknown, are refused", async () => {
      const key = await newKey("a")
      const { instance, login } = await anIdentity("jwt-auth", {
        configurationType: "static",
        publicKeys: [await exportSPKI(key.pair.publicKey)],
      })
      const jwt = await sign(instance, key)
      expect((await login(jwt, { organizationSlug: "somebody-else" })).status).toBe(401)
      expect((await login(jwt, { identityId: crypto.randomUUID() })).status).toBe(404)
      expect(await instance.test.lastEvent()).toMatchObject({
        actor: { type: "unknown" },
        metadata: { identityId: null, reasonCode: "not-configured" },
      })
    })
  })
}
