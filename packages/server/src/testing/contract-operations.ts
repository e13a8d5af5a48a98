/** Does everything that the contract has an event for, through the HTTP interface alone. */

import { exportSPKI, generateKeyPair, SignJWT } from "jose"
import { expect } from "vitest"
import { WebhookWorker } from "../features/webhooks/index.ts"
import { aMachine, aProject } from "./test-app.ts"
import type { WebhookReceiver } from "./webhook-receiver.ts"
import type { Workbench } from "./workbench.ts"

type Json = Readonly<Record<string, unknown>>

const box = { secretPath: "/box" }
const metadata = [
  { key: "owner", value: "billing" },
  { key: "pin", value: "canary-of-the-metadata", isEncrypted: true },
]

/** Shared secrets in `prod:/box`, one by one and many at once. */
export async function workOnSecrets(bench: Workbench): Promise<void> {
  await bench.folder("/box")
  const { tag } = await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug: "team", color: "" })
  const attributes = { secretMetadata: metadata, tagIds: [tag.id] }
  const { secret } = await bench.ok("POST", "/v4/secrets/A", { ...box, secretValue: "1", ...attributes })
  await bench.ok("PATCH", "/v4/secrets/A", { ...box, secretValue: "2" })
  const history = `/coffer/v1/projects/${bench.project}/history/secrets/${secret.id}`
  await bench.ok("POST", `${history}/redact`, { version: 1 })
  expect((await bench.read("A", "&secretPath=/box")).status).toBe(200)
  await bench.ok("GET", `/v4/secrets/id/${secret.id}`)
  const tree = `/v4/secrets/A/secret-reference-tree?projectId=${bench.project}&environment=prod&secretPath=/box`
  await bench.ok("GET", tree)
  expect((await bench.list("&secretPath=/box")).status).toBe(200)
  const pairs = (value: string) => ["B", "C"].map((secretKey) => ({ secretKey, secretValue: value }))
  const made = await bench.ok("POST", "/v4/secrets/batch", { ...box, secrets: pairs("1") })
  await bench.ok("PATCH", "/v4/secrets/batch", { ...box, secrets: pairs("2") })
  await bench.ok("POST", "/v4/secrets/move", {
    sourceEnvironment: "prod",
    sourceSecretPath: "/box",
    destinationEnvironment: "dev",
    destinationSecretPath: "/",
    secretIds: [made.secrets[0].id],
  })
  await bench.put("D", "1", "/box")
  await bench.ok("DELETE", "/v4/secrets/batch", { ...box, secrets: [{ secretKey: "C" }, { secretKey: "D" }] })
  await bench.ok("DELETE", "/v4/secrets/A", box)
}

/** Folders, imports, environments, roles and projects. */
export async function workOnStructure(bench: Workbench): Promise<void> {
  const project = `/v1/projects/${bench.project}`
  const { folder } = await bench.ok("POST", "/v1/folders", { name: "drawer", path: "/box" })
  await bench.ok("PATCH", `/v1/folders/${folder.id}`, { name: "shelf", path: "/box" })
  await bench.ok("DELETE", `/v1/folders/${folder.id}`, { path: "/box" })

  const wanted = { path: "/box", import: { environment: "dev", path: "/" } }
  const { secretImport } = await bench.ok("POST", "/v2/secret-imports", wanted)
  const url = `/v2/secret-imports/${secretImport.id}`
  await bench.ok("GET", url)
  await bench.ok("PATCH", url, { path: "/box", import: { environment: "staging", path: "/" } })
  await bench.ok("DELETE", url, { path: "/box" })

  const { environment } = await bench.ok("POST", `${project}/environments`, { name: "QA", slug: "qa" })
  await bench.ok("PATCH", `${project}/environments/${environment.id}`, { name: "Quality" })
  await bench.ok("DELETE", `${project}/environments/${environment.id}`, {})

  const permissions = [{ subject: "secrets", action: ["readValue"] }]
  const { role } = await bench.ok("POST", `${project}/roles`, { slug: "ops", name: "Ops", permissions })
  await bench.ok("PATCH", `${project}/roles/${role.id}`, { name: "Operations" })
  await bench.ok("DELETE", `${project}/roles/${role.id}`, {})

  const other = await bench.another("Other")
  await other.ok("PATCH", `/v1/projects/${other.project}`, { name: "Another" })
  await other.ok("DELETE", `/v1/projects/${other.project}`, {})
}

/** Identities, their memberships, and universal auth with a lockout. */
export async function workOnIdentities(bench: Workbench): Promise<void> {
  const { test, orgId } = bench.instance
  const about = {
    name: "ci",
    organizationId: orgId,
    role: "no-access",
    metadata: [{ key: "team", value: "a" }],
  }
  const { identity } = await bench.ok("POST", "/v1/identities", about)
  await bench.ok("PATCH", `/v1/identities/${identity.id}`, { name: "build" })
  const membership = `/v1/projects/${bench.project}/memberships/identities/${identity.id}`
  await bench.ok("POST", membership, { role: "viewer" })
  await bench.ok("PATCH", membership, { roles: [{ role: "member" }] })
  await bench.ok("DELETE", membership, {})

  const auth = `/v1/auth/universal-auth/identities/${identity.id}`
  const { clientId } = (await bench.ok("POST", auth, {})).identityUniversalAuth
  await bench.ok("PATCH", auth, { accessTokenTTL: 60 })
  await bench.ok("GET", auth)
  const made = await bench.ok("POST", `${auth}/client-secrets`, {})
  const login = (body: Json) => test.call("POST", "/v1/auth/universal-auth/login", { body })
  expect((await login({ clientId, clientSecret: made.clientSecret })).status).toBe(200)
  expect((await login({ clientId, clientSecret: "wrong" })).status).toBe(401)
  expect((await login({ clientId: crypto.randomUUID(), clientSecret: "wrong" })).status).toBe(401)
  await bench.ok("POST", `${auth}/clear-lockouts`, {})
  await bench.ok("POST", `${auth}/client-secrets/${made.clientSecretData.id}/revoke`, {})
  await bench.ok("DELETE", auth, {})

  const tokens = `/v1/auth/token-auth/identities/${identity.id}`
  await bench.ok("POST", tokens, {})
  await bench.ok("POST", `${tokens}/tokens`, {})
  await bench.ok("DELETE", `/v1/identities/${identity.id}`, {})
}

/** Logs in with tokens of other issuers, rightly and wrongly. The receiver stands for the API server and the provider. */
export async function logInFromElsewhere(bench: Workbench, elsewhere: WebhookReceiver): Promise<void> {
  const { test } = bench.instance
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true })
  const origin = new URL(elsewhere.url).origin
  const jwk = { ...(await crypto.subtle.exportKey("jwk", publicKey)), kid: "a", alg: "RS256" }
  const sign = (issuer: string) =>
    new SignJWT({ iss: issuer, sub: "job/7" })
      .setProtectedHeader({ alg: "RS256", kid: "a" })
      .setIssuedAt(Math.floor(test.clock.now() / 1_000))
      .setExpirationTime(Math.floor(test.clock.now() / 1_000) + 60)
      .sign(privateKey)
  elsewhere.answer = (path) => {
    if (path.endsWith("/openid-configuration"))
      return { issuer: "https://issuer.test", jwks_uri: `${origin}/keys` }
    if (path === "/keys") return { keys: [jwk] }
    const review = elsewhere.received.at(-1)?.json
    const authenticated = review.spec.token === "good"
    return { status: { authenticated, user: { username: "system:serviceaccount:default:billing" } } }
  }
  const bound = { boundIssuer: "https://issuer.test" }
  const methods = {
    "kubernetes-auth": { settings: { kubernetesHost: origin }, good: "good", bad: "bad" },
    "jwt-auth": {
      settings: { ...bound, configurationType: "static", publicKeys: [await exportSPKI(publicKey)] },
      good: await sign("https://issuer.test"),
      bad: await sign("https://other.test"),
    },
    "oidc-auth": {
      settings: { ...bound, oidcDiscoveryUrl: origin },
      good: await sign("https://issuer.test"),
      bad: await sign("https://other.test"),
    },
  }
  for (const [method, { settings, good, bad }] of Object.entries(methods)) {
    const { id: identityId } = await aMachine(bench.instance)
    await bench.ok("POST", `/v1/auth/${method}/identities/${identityId}`, settings)
    const login = (jwt: string) =>
      test.call("POST", `/v1/auth/${method}/login`, { body: { identityId, jwt } })
    expect(await login(good), method).toMatchObject({ status: 200 })
    expect((await login(bad)).status, method).toBeGreaterThanOrEqual(401)
  }
}

/** Webhooks that are delivered, a look into the log, and somebody who is refused. */
export async function lookAndBeTold(bench: Workbench, receiver: WebhookReceiver): Promise<void> {
  const { test } = bench.instance
  const { webhook } = await bench.ok("POST", "/v1/webhooks", { webhookUrl: receiver.url, ...box })
  await bench.ok("POST", `/v1/webhooks/${webhook.id}/test`, {})
  await bench.put("E", "1", "/box")
  const { log } = test.storage
  await new WebhookWorker({
    ...test.app.features,
    log,
    allowInternalConnections: true,
    webhookTimeoutMs: 5_000,
  }).runOnce()
  await bench.ok("PATCH", `/v1/webhooks/${webhook.id}`, { isDisabled: true })
  await bench.ok("DELETE", `/v1/webhooks/${webhook.id}`, {})

  await bench.ok("GET", `/v1/organization/audit-logs?projectId=${bench.project}`)
  const stranger = await aMachine(bench.instance, {
    project: (await aProject(bench.instance, { name: "X" })).id,
  })
  const url = `/v4/secrets?projectId=${bench.project}&environment=prod&secretPath=/box`
  expect((await test.call("GET", url, { token: stranger.token })).status).toBe(403)
}
