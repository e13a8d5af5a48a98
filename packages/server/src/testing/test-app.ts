/**
 * A whole server for tests, without a socket: a real database, the real keyring, requests by `app.inject`, and a
 * shortcut for what nearly every test needs first.
 */
import type { FakeClock, TestStorage } from "@coffer/testkit"
import { type App, createApp } from "../app.ts"
import type { AuditEvent } from "../audit/audit-event.ts"

type Json = Readonly<Record<string, unknown>>

export type Answer = {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

export type Call = {
  readonly body?: Json
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly from?: string
}

export class TestApp {
  readonly app: App
  readonly storage: TestStorage
  readonly clock: FakeClock

  constructor(storage: TestStorage, config: Partial<Parameters<typeof createApp>[0]> = {}) {
    this.storage = storage
    this.clock = storage.clock
    const defaults = { trustedProxies: [], tokenCeilingSeconds: 7_776_000, isBootstrapOpen: false }
    this.app = createApp({ ...defaults, ...config }, storage)
  }

  async call(method: string, url: string, call: Call = {}): Promise<Answer> {
    const response = await this.app.http.inject({
      method: method as "GET",
      url: `/api${url}`,
      headers: {
        host: "localhost",
        ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { payload: JSON.stringify(call.body) }),
      ...(call.from === undefined ? {} : { remoteAddress: call.from }),
    })
    const text = response.body
    return {
      status: response.statusCode,
      body: text !== "" && isJson(response.headers["content-type"]) ? JSON.parse(text) : undefined,
      headers: response.headers,
      text,
    }
  }

  /** As {@link call}, and fails the test unless the answer is 200. */
  async ok(method: string, url: string, call: Call = {}): Promise<Answer["body"]> {
    const answer = await this.call(method, url, call)
    if (answer.status !== 200) throw new Error(`${method} ${url}: ${answer.status} ${answer.text}`)
    return answer.body
  }

  /** Everything in the audit log, in the order it was written. */
  async auditEvents(): Promise<readonly AuditEvent[]> {
    const rows = await this.storage.database.reader
      .selectFrom("audit_event")
      .select("body")
      .orderBy("log_id")
      .orderBy("seq")
      .execute()
    return rows.map((row) => JSON.parse(row.body) as AuditEvent)
  }

  /** The newest event of the audit log. */
  async lastEvent(): Promise<AuditEvent | undefined> {
    return (await this.auditEvents()).at(-1)
  }
}

function isJson(contentType: unknown): boolean {
  return String(contentType ?? "").startsWith("application/json")
}

export type Instance = {
  readonly test: TestApp
  readonly adminToken: string
  readonly adminId: string
  readonly orgId: string
}

export const adminPassword = "correct horse battery staple"

/** A server after its first run. */
export async function anInstance(
  storage: TestStorage,
  config: Partial<Parameters<typeof createApp>[0]> = {},
): Promise<Instance> {
  const test = new TestApp(storage, config)
  const made = await test.ok("POST", "/v1/admin/bootstrap", {
    body: { email: "root@acme.test", password: adminPassword, organization: "Acme" },
  })
  return {
    test,
    adminToken: made.identity.credentials.token,
    adminId: made.identity.id,
    orgId: made.organization.id,
  }
}

/** A project with the default environments. */
export async function aProject(
  { test, adminToken }: Instance,
  of: { readonly name?: string; readonly slug?: string; readonly token?: string } = {},
): Promise<{ readonly id: string; readonly slug: string }> {
  const { project } = await test.ok("POST", "/v1/projects", {
    token: of.token ?? adminToken,
    body: { projectName: of.name ?? "Billing API", ...(of.slug === undefined ? {} : { slug: of.slug }) },
  })
  return { id: project.id, slug: project.slug }
}

export type Machine = {
  readonly id: string
  readonly clientId: string
  readonly clientSecret: string
  readonly clientSecretId: string
  readonly token: string
}

/** A machine identity with universal auth, logged in; with `project`, a member of it. */
export async function aMachine(
  { test, adminToken, orgId }: Instance,
  of: {
    readonly orgRole?: string
    readonly project?: string
    readonly role?: string
    readonly settings?: Json
    readonly clientSecret?: Json
  } = {},
): Promise<Machine> {
  const { identity } = await test.ok("POST", "/v1/identities", {
    token: adminToken,
    body: { name: "eso", organizationId: orgId, role: of.orgRole ?? "no-access" },
  })
  if (of.project !== undefined) {
    await test.ok("POST", `/v2/workspace/${of.project}/identity-memberships/${identity.id}`, {
      token: adminToken,
      body: { role: of.role ?? "viewer" },
    })
  }
  const path = `/v1/auth/universal-auth/identities/${identity.id}`
  const attached = await test.ok("POST", path, { token: adminToken, body: of.settings ?? {} })
  const { clientId } = attached.identityUniversalAuth
  const made = await test.ok("POST", `${path}/client-secrets`, {
    token: adminToken,
    body: of.clientSecret ?? {},
  })
  const { clientSecret } = made
  const login = await test.ok("POST", "/v1/auth/universal-auth/login", { body: { clientId, clientSecret } })
  const clientSecretId = made.clientSecretData.id
  return { id: identity.id, clientId, clientSecret, clientSecretId, token: login.accessToken }
}

/** Stores a secret as the instance's admin. */
export async function aSecret(
  { test, adminToken }: Instance,
  of: {
    readonly project: string
    readonly key: string
    readonly value: string
    readonly environment?: string
    readonly path?: string
  },
): Promise<Answer["body"]> {
  const { secret } = await test.ok("POST", `/v3/secrets/raw/${encodeURIComponent(of.key)}`, {
    token: adminToken,
    body: {
      workspaceId: of.project,
      environment: of.environment ?? "prod",
      secretPath: of.path ?? "/",
      secretValue: of.value,
    },
  })
  return secret
}
