/**
 * Logins with tokens of a real API server. The server behind the store only checks what it is sent, as the contract says
 * that a server does: Kubernetes auth by a TokenReview, JWT auth by the issuer's published keys.
 */
import { createPublicKey, verify, type webcrypto } from "node:crypto"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SECRETS, SERVICE_ACCOUNTS, systemClock } from "@coffer/kube-runtime"
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest"
import { EXTERNAL_SECRETS, SECRET_STORES } from "../../api/resources.ts"
import { createCredentialReader } from "../../kube/credential-reader.ts"
import { describeWithCluster, eventually } from "../../testing/cluster.ts"
import {
  listed,
  type SecretServer,
  type StandInAnswer,
  startSecretServer,
} from "../../testing/secret-server.ts"
import type { Provider, ReadContext, StoreToOpen } from "../provider.ts"
import { createInfisicalProvider } from "./index.ts"

const NAMESPACE = "default"
const TTL_SECONDS = 100
const accepted = (token: string): StandInAnswer => ({
  status: 200,
  body: {
    accessToken: token,
    expiresIn: TTL_SECONDS,
    accessTokenMaxTTL: TTL_SECONDS,
    tokenType: "Bearer",
  },
})
const refused = (message: string): StandInAnswer => ({
  status: 401,
  body: { message, error: "Unauthorized" },
})
const selector = (key: string) => ({ name: "login", namespace: NAMESPACE, key })
const textOf = (value: Uint8Array) => Buffer.from(value).toString()

type LoginBody = { readonly identityId?: string; readonly jwt?: string; readonly organizationSlug?: string }

describeWithCluster("logging in", (cluster) => {
  let server: SecretServer
  let provider: Provider & { close(): Promise<void> }
  let folder: string
  let nowMs: number
  let keys: readonly webcrypto.JsonWebKey[]
  /** Path and body of every login. */
  const logins: { readonly path: string; readonly body: LoginBody }[] = []

  beforeAll(async () => {
    for (const name of ["operator", "stranger"])
      await cluster().client.create(SERVICE_ACCOUNTS, { metadata: { namespace: NAMESPACE, name } })
    const published = await cluster().client.request<{ keys: webcrypto.JsonWebKey[] }>({
      method: "GET",
      path: "/openid/v1/jwks",
      accept: "application/jwk-set+json",
    })
    keys = published.keys
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-login-test-"))
    nowMs = Date.now()
    logins.length = 0
    server = await startSecretServer({ list: () => listed({ A: "1" }), login: judge })
    provider = createInfisicalProvider({
      credentials: createCredentialReader(cluster().client, systemClock),
      clock: { ...systemClock, nowMs: () => nowMs },
      podSecretsFolder: folder,
    })
    await storeCredentials({ id: "identity-1" })
  })
  afterEach(async () => {
    await provider.close()
    await server.close()
    await cluster().client.delete(SECRETS, { namespace: NAMESPACE, name: "login" })
    await rm(folder, { recursive: true })
  })

  const storeCredentials = async (stringData: Record<string, string>) => {
    const key = { namespace: NAMESPACE, name: "login" }
    if (await cluster().client.find(SECRETS, key))
      await cluster().client.patch(SECRETS, key, { kind: "merge", body: { stringData } })
    else await cluster().client.create(SECRETS, { metadata: key, stringData })
  }
  const tokenOf = async (account: string, audiences?: readonly string[]): Promise<string> => {
    const { status } = await cluster().client.createSubresource<{ status: { token: string } }>(
      SERVICE_ACCOUNTS,
      { namespace: NAMESPACE, name: account },
      { subresource: "token", body: { spec: { audiences, expirationSeconds: 600 } } },
    )
    return status.token
  }
  const mount = async (path: string, token: string): Promise<string> => {
    const file = join(folder, path)
    await mkdir(join(file, ".."), { recursive: true })
    await writeFile(file, `${token}\n`)
    return file
  }
  const mountDefault = (token: string) => mount("kubernetes.io/serviceaccount/token", token)

  async function judge(body: unknown, path: string): Promise<StandInAnswer> {
    const login = body as LoginBody
    logins.push({ path, body: login })
    if (login.identityId !== "identity-1") return refused("identity not found")
    if (path === "/api/v1/auth/kubernetes-auth/login") return judgeServiceAccount(login.jwt ?? "")
    if (path === "/api/v1/auth/jwt-auth/login") return judgeSignature(login.jwt ?? "")
    return { status: 404, body: { message: "no such route" } }
  }

  async function judgeServiceAccount(token: string): Promise<StandInAnswer> {
    const audiences = audiencesOf(token)
    const review = await cluster().client.request<{
      status: { authenticated?: boolean; user?: { username?: string } }
    }>({
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/tokenreviews",
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token, ...(audiences.includes("coffer") ? { audiences: ["coffer"] } : {}) },
      },
    })
    if (!review.status.authenticated) return refused("Kubernetes token not authenticated")
    const { username = "" } = review.status.user ?? {}
    if (username !== `system:serviceaccount:${NAMESPACE}:operator`)
      return refused("Access denied: K8s name not allowed.")
    return accepted(`token-${logins.length}`)
  }

  function judgeSignature(token: string): StandInAnswer {
    const [header = "", payload = "", signature = ""] = token.split(".")
    const isSigned = keys.some((key) =>
      verify(
        "sha256",
        Buffer.from(`${header}.${payload}`),
        { key: createPublicKey({ key, format: "jwk" }), dsaEncoding: "ieee-p1363" },
        Buffer.from(signature, "base64url"),
      ),
    )
    return isSigned ? accepted(`token-${logins.length}`) : refused("Access denied: JWT not valid")
  }

  const context = (): ReadContext => ({ signal: AbortSignal.timeout(10_000), notOlderThanMs: nowMs })
  const settings = (auth: object, scope: object = {}) => ({
    hostAPI: server.url,
    auth,
    secretsScope: { projectSlug: "shop", environmentSlug: "prod", ...scope },
  })
  const open = (auth: object, scope: object = {}, kind: StoreToOpen["kind"] = "ClusterSecretStore") =>
    provider.open({ kind, name: "store", namespace: NAMESPACE, settings: settings(auth, scope) }, context())
  const kubernetesAuth = { kubernetesAuthCredentials: { identityId: selector("id") } }
  const jwtAuth = { jwtAuthCredentials: { identityId: selector("id"), jwt: selector("jwt") } }

  it("Kubernetes auth sends the pod's own token, which the API server knows as the operator's", async () => {
    const token = await tokenOf("operator")
    await mountDefault(token)
    const client = await open(kubernetesAuth)
    expect(textOf(await client.getSecret({ key: "A" }, context()))).toBe("1")
    expect(logins).toEqual([
      { path: "/api/v1/auth/kubernetes-auth/login", body: { identityId: "identity-1", jwt: token } },
    ])
    expect(server.authorizations).toEqual([undefined, "Bearer token-1"])
  })

  it("Kubernetes auth reads the token again for each login, so a rotated one is used", async () => {
    await mountDefault(await tokenOf("operator"))
    const client = await open(kubernetesAuth)
    await client.getSecret({ key: "A" }, context())
    const rotated = await tokenOf("operator")
    await mountDefault(rotated)
    nowMs += (TTL_SECONDS + 1) * 1_000
    await client.getSecret({ key: "A" }, context())
    expect(logins.map(({ body }) => body.jwt).at(-1)).toBe(rotated)
    expect(new Set(logins.map(({ body }) => body.jwt)).size).toBe(2)
    expect(server.authorizations.at(-1)).toBe("Bearer token-2")
  })

  it("Kubernetes auth takes a projected token with an audience of its own from the path that is named", async () => {
    const token = await tokenOf("operator", ["coffer"])
    await storeCredentials({ path: await mount("coffer/token", token) })
    const { identityId } = kubernetesAuth.kubernetesAuthCredentials
    const projected = { identityId, serviceAccountTokenPath: selector("path") }
    await open({ kubernetesAuthCredentials: projected })
    expect(logins.map(({ body }) => body)).toEqual([{ identityId: "identity-1", jwt: token }])
    expect(audiencesOf(token)).toEqual(["coffer"])
  })

  it.for([
    ["outside", () => join(folder, "../elsewhere/token")],
    ["up and away", () => `${folder}/kubernetes.io/../../elsewhere/token`],
    ["beside it, with its name as a prefix", () => `${folder}-2/token`],
    ["the folder itself", () => folder],
  ] as const)("Kubernetes auth reads no file %s", async ([, path]) => {
    await storeCredentials({ path: path() })
    const { identityId } = kubernetesAuth.kubernetesAuthCredentials
    const attempt = open({
      kubernetesAuthCredentials: { identityId, serviceAccountTokenPath: selector("path") },
    })
    await expect(attempt).rejects.toThrow(`serviceAccountTokenPath must be below ${folder}/`)
    expect(logins).toEqual([])
  })

  it("Kubernetes auth without a mounted token says which file it needs", async () => {
    await expect(open(kubernetesAuth)).rejects.toThrow(
      `cannot read the service account token ${folder}/kubernetes.io/serviceaccount/token: ENOENT`,
    )
    await mountDefault("")
    nowMs += 11_000
    await expect(open(kubernetesAuth)).rejects.toThrow("is empty")
    expect(logins).toEqual([])
  })

  it("a refused token leads to the server's own words, without the token", async () => {
    const token = await tokenOf("stranger")
    await mountDefault(token)
    const error = (await open(kubernetesAuth).catch((reason: unknown) => reason)) as Error
    expect(error.message).toContain("MachineIdentityLoginViaKubernetesAuth")
    expect(error.message).toContain("Access denied: K8s name not allowed.")
    expect(error.message).not.toContain(token)
    expect(JSON.stringify(error)).not.toContain(token)
  })

  it("JWT auth sends the token of the Secret, which verifies under the issuer's keys", async () => {
    const jwt = await tokenOf("operator", ["coffer"])
    await storeCredentials({ jwt: `${jwt}\n` })
    const client = await open(jwtAuth, {}, "SecretStore")
    expect(textOf(await client.getSecret({ key: "A" }, context()))).toBe("1")
    expect(logins).toEqual([{ path: "/api/v1/auth/jwt-auth/login", body: { identityId: "identity-1", jwt } }])
    expect(server.authorizations).toEqual([undefined, "Bearer token-1"])
  })

  it("JWT auth logs in anew as soon as its Secret holds another token", async () => {
    await storeCredentials({ jwt: await tokenOf("operator") })
    await open(jwtAuth)
    await open(jwtAuth)
    expect(logins).toHaveLength(1)
    const renewed = await tokenOf("operator")
    await storeCredentials({ jwt: renewed })
    nowMs = Date.now()
    await open(jwtAuth)
    expect(logins.map(({ body }) => body.jwt).slice(1)).toEqual([renewed])
  })

  it("JWT auth with a token that was tampered with fails without quoting it", async () => {
    const jwt = (await tokenOf("operator")).slice(0, -12).concat("AAAAAAAAAAAA")
    await storeCredentials({ jwt })
    const error = (await open(jwtAuth).catch((reason: unknown) => reason)) as Error
    expect(error.message).toContain("MachineIdentityLoginViaJwtAuth")
    expect(error.message).toContain("JWT not valid")
    expect(error.message).not.toContain(jwt)
  })

  it("the organization is named in a login only if the store names one", async () => {
    await mountDefault(await tokenOf("operator"))
    await storeCredentials({ jwt: await tokenOf("operator") })
    for (const auth of [kubernetesAuth, jwtAuth]) {
      await open(auth)
      await open(auth, { organizationSlug: "acme" })
    }
    const named = logins.map(({ body }) => body.organizationSlug)
    expect(named).toEqual([undefined, "acme", undefined, "acme"])
    expect(Object.keys(logins[0]?.body ?? {})).not.toContain("organizationSlug")
  })

  it("a SecretStore with JWT auth delivers through the whole operator", async () => {
    await storeCredentials({ jwt: await tokenOf("operator", ["coffer"]) })
    const { client } = cluster()
    const auth = {
      jwtAuthCredentials: { identityId: { name: "login", key: "id" }, jwt: { name: "login", key: "jwt" } },
    }
    const operator = cluster().startOperator()
    await client.create(SECRET_STORES, {
      metadata: { namespace: NAMESPACE, name: "by-jwt" },
      spec: { provider: { infisical: settings(auth) } },
    })
    await client.create(EXTERNAL_SECRETS, {
      metadata: { namespace: NAMESPACE, name: "by-jwt" },
      spec: {
        secretStoreRef: { name: "by-jwt" },
        data: [{ secretKey: "a", remoteRef: { key: "A" } }],
      },
    })
    const target = await eventually(() => client.get(SECRETS, { namespace: NAMESPACE, name: "by-jwt" }))
    expect(target.data).toEqual({ a: Buffer.from("1").toString("base64") })
    expect(new Set(logins.map(({ path }) => path))).toEqual(new Set(["/api/v1/auth/jwt-auth/login"]))
    await operator.stop()
  })
})

function audiencesOf(token: string): readonly string[] {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
    aud?: readonly string[]
  }
  return claims.aud ?? []
}
