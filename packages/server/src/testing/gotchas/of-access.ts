import { expect, it } from "vitest"
import type { AtAStand } from "../client-stand.ts"
import { EsoProvider } from "../clients/eso-provider.ts"
import { GoSdk } from "../clients/go-sdk.ts"
import { InfisicalCli } from "../clients/infisical-cli.ts"
import { exchange } from "../clients/wire.ts"
import { aMachine } from "../test-app.ts"

/** Who is refused, and how: gotchas 9, 10, 13 to 16, 26, 27, 43, 44, 46, 48 to 50. */
export function gotchasOfAccess(at: AtAStand): void {
  destructiveAnswers(at)
  logins(at)
  tokens(at)
  memberships(at)
}

function destructiveAnswers(at: AtAStand): void {
  it(
    "gotcha 9: a store that cannot be asked is a 5xx, never a 404",
    at(async (stand) => {
      const { bench, origin, machine } = stand
      await bench.put("A", "1")
      const sdk = new GoSdk(origin)
      await sdk.login(machine.clientId, machine.clientSecret)
      await bench.instance.test.storage.database.close()
      const place = { workspaceId: bench.project, environment: "prod", secretPath: "/" }
      for (const key of ["A", "NOPE"]) {
        const error = await sdk.retrieve(key, place).catch((refusal: { status: number }) => refusal)
        expect((error as { status: number }).status, key).toBeGreaterThanOrEqual(500)
      }
      await expect(sdk.listSecrets({ projectId: bench.project, environment: "prod" })).rejects.toMatchObject({
        status: expect.toSatisfy((status: number) => status >= 500),
      })
    }),
  )

  it(
    "gotcha 10: who is no member gets 403 on reads, whatever is there",
    at(async ({ bench, origin, slug }) => {
      await bench.put("A", "1")
      const stranger = await aMachine(bench.instance)
      const sdk = new GoSdk(origin)
      await sdk.login(stranger.clientId, stranger.clientSecret)
      for (const key of ["A", "NOPE"]) {
        for (const project of [{ workspaceId: bench.project }, { workspaceSlug: slug }]) {
          await expect(sdk.retrieve(key, { ...project, environment: "prod" })).rejects.toMatchObject({
            status: 403,
            serverMessage: expect.stringContaining("not a member"),
          })
        }
      }
      await expect(sdk.listSecrets({ projectSlug: slug, environment: "prod" })).rejects.toMatchObject({
        status: 403,
      })
    }),
  )

  it(
    "gotcha 43: the organization's role opens no project",
    at(async ({ bench, origin }) => {
      const admin = await aMachine(bench.instance, { orgRole: "admin" })
      const sdk = new GoSdk(origin)
      await sdk.login(admin.clientId, admin.clientSecret)
      const place = { workspaceId: bench.project, environment: "prod" }
      await expect(sdk.create("A", { ...place, secretValue: "1" })).rejects.toMatchObject({ status: 403 })
      await expect(sdk.delete("A", place)).rejects.toMatchObject({ status: 403 })
      await expect(sdk.listSecrets({ projectId: bench.project, environment: "prod" })).rejects.toMatchObject({
        status: 403,
      })
    }),
  )
}

function logins(at: AtAStand): void {
  it(
    "gotcha 13: a revocation needs no login, may come twice, and is 200",
    at(async ({ origin, machine }) => {
      for (const slash of ["", "/"]) {
        const body = { accessToken: machine.token }
        const reply = await exchange(origin, "POST", `/api/v1/auth/token/revoke${slash}`, { body })
        expect(reply.status).toBe(200)
        expect(JSON.parse(reply.text).message).toBe("Successfully revoked access token")
      }
    }),
  )

  it(
    "gotcha 14: a login for each reconcile uses up limits honestly, and no more than that",
    at(async (stand) => {
      const { bench, origin, slug } = stand
      const machine = await aMachine(bench.instance, {
        project: bench.project,
        clientSecret: { numUsesLimit: 4 },
        settings: { accessTokenNumUsesLimit: 2 },
      })
      const { clientId, clientSecret } = machine
      const store = {
        origin,
        clientId,
        clientSecret,
        projectSlug: slug,
        environment: "prod",
        secretsPath: "/",
      }
      const twoReads = (eso: EsoProvider) => eso.validate().then(() => eso.validate())
      // The helper's own login was the first of the four.
      for (let login = 0; login < 3; login += 1) {
        await EsoProvider.reconcile({ ...store, expand: true, recursive: false }, twoReads)
      }
      await expect(EsoProvider.open({ ...store, expand: true, recursive: false })).rejects.toMatchObject({
        status: 401,
        serverMessage: expect.stringMatching(/usage limit|number of uses|limit/i),
      })
    }),
  )

  it(
    "gotcha 15: three bad logins lock the method for five minutes, and only for who failed",
    at(async ({ bench, machine }) => {
      const { test } = bench.instance
      const login = (clientSecret: string, from: string) =>
        test.call("POST", "/v1/auth/universal-auth/login", {
          body: { clientId: machine.clientId, clientSecret },
          from,
        })
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expect((await login("0".repeat(64), "192.0.2.1")).body.message).toBe("Invalid credentials")
      }
      expect(await login(machine.clientSecret, "192.0.2.1")).toMatchObject({
        status: 401,
        body: { message: "This identity auth method is temporarily locked, please try again later" },
      })
      expect((await login(machine.clientSecret, "192.0.2.2")).status).toBe(200)
      test.clock.advance(300_001)
      expect((await login(machine.clientSecret, "192.0.2.1")).status).toBe(200)
    }),
  )

  it(
    "gotcha 16: the CLI's agent logs in at an address that ends in a slash",
    at(async ({ origin, machine }) => {
      const cli = new InfisicalCli(origin)
      expect(await cli.login(machine.clientId, machine.clientSecret, "/")).toMatch(/^ey/)
    }),
  )
}

function tokens(at: AtAStand): void {
  it(
    "gotchas 26 and 27: access tokens are JWTs that can be decoded, and never begin like service tokens",
    at(async ({ bench, origin, machine }) => {
      const cli = new InfisicalCli(origin)
      for (const token of [
        await cli.login(machine.clientId, machine.clientSecret),
        bench.instance.adminToken,
      ]) {
        expect(token).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+$/)
        const [header, claims] = token.split(".").map((part) => Buffer.from(part, "base64url").toString())
        expect(JSON.parse(header ?? "")).toMatchObject({ alg: "HS256" })
        expect(JSON.parse(claims ?? "")).toMatchObject({
          authTokenType: "identityAccessToken",
          identityAccessTokenId: expect.any(String),
        })
      }
    }),
  )

  it(
    "gotcha 46: no token is 401 `Token missing`, and a token of the wrong kind is 403",
    at(async ({ bench, origin, machine }) => {
      const target = `/api/v4/secrets?projectId=${bench.project}&environment=prod`
      const missing = await exchange(origin, "GET", target)
      expect([missing.status, JSON.parse(missing.text).message]).toEqual([401, "Token missing"])
      const headers = { authorization: `Bearer ${machine.token}` }
      const wrongKind = await exchange(origin, "POST", "/api/v1/auth/checkAuth", { headers })
      expect(wrongKind.status).toBe(403)
    }),
  )

  it(
    "gotcha 48: legacy credentials meet a 404 in the standard body",
    at(async ({ origin, machine }) => {
      for (const path of ["/v2/service-accounts/me", "/v2/service-token"]) {
        const headers = { authorization: `Bearer ${machine.token}` }
        const reply = await exchange(origin, "GET", `/api${path}`, { headers })
        expect(JSON.parse(reply.text)).toMatchObject({
          statusCode: 404,
          error: "NotFound",
          message: expect.any(String),
          reqId: expect.stringMatching(/^req-[A-Za-z0-9]{14}$/),
        })
      }
    }),
  )

  it(
    "gotcha 49: no step of the flow of a machine needs or sets a cookie",
    at(async ({ bench, origin, machine }) => {
      const { clientId, clientSecret } = machine
      const login = await exchange(origin, "POST", "/api/v1/auth/universal-auth/login", {
        body: { clientId, clientSecret },
      })
      const headers = { authorization: `Bearer ${JSON.parse(login.text).accessToken}` }
      const target = `/api/v4/secrets?projectId=${bench.project}&environment=prod`
      const list = await exchange(origin, "GET", target, { headers })
      expect([login.status, list.status]).toEqual([200, 200])
      expect([login.headers["set-cookie"], list.headers["set-cookie"]]).toEqual([undefined, undefined])
    }),
  )
}

function memberships(at: AtAStand): void {
  it(
    "gotcha 44: a membership without a role is no access",
    at(async ({ bench, origin }) => {
      const machine = await aMachine(bench.instance)
      await bench.ok("POST", `/v1/projects/${bench.project}/memberships/identities/${machine.id}`, {})
      const sdk = new GoSdk(origin)
      await sdk.login(machine.clientId, machine.clientSecret)
      await expect(
        sdk.retrieve("A", { workspaceId: bench.project, environment: "prod" }),
      ).rejects.toMatchObject({
        status: 403,
      })
    }),
  )

  it(
    "gotcha 50: `X-Forwarded-For` of a stranger does not change where a request comes from",
    at(async ({ bench, origin, machine }) => {
      const settings = { accessTokenTrustedIps: [{ ipAddress: "192.0.2.0/24" }] }
      await bench.ok("PATCH", `/v1/auth/universal-auth/identities/${machine.id}`, settings)
      const target = `/api/v4/secrets?projectId=${bench.project}&environment=prod`
      const spoofed = { authorization: `Bearer ${machine.token}`, "x-forwarded-for": "192.0.2.7" }
      const reply = await exchange(origin, "GET", target, { headers: spoofed })
      expect([reply.status, JSON.parse(reply.text).message]).toEqual([
        403,
        "You are not allowed to access this resource from the current IP address",
      ])
      const { token } = machine
      const query = `/v4/secrets?projectId=${bench.project}&environment=prod`
      expect((await bench.instance.test.call("GET", query, { token, from: "192.0.2.7" })).status).toBe(200)
    }),
  )
}
