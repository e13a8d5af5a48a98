/**
 * Two server processes on one PostgreSQL, every surface that shows secrets, every kind of change: what one server has
 * acknowledged is never again contradicted by the other, while readers keep its memory warm.
 */
import { beforeAll, expect, it } from "vitest"
import type { RestartableServer } from "../apps/coffer/src/demo/restartable.ts"
import type { AwayServer } from "./away-server.ts"
import { aReader, describeWithTwoServers, type Reader } from "./two-servers.ts"

const roundsAfterwards = 3

type Case = {
  readonly away: AwayServer
  readonly environment: string
  readonly path: string
  readonly key: string
  readonly value: string
  readonly secretId: string
  readonly reader: Reader
}

type Change = {
  readonly what: string
  /** Text that no answer to the reader holds once the change was acknowledged. */
  readonly gone: (of: Case) => string
  readonly prepare?: (of: Case) => Promise<Case>
  readonly make: (of: Case) => Promise<unknown>
  /** Only places in the folder are asked: the secret may live on elsewhere. */
  readonly isHereOnly?: boolean
}

const value = (of: Case) => of.value
const membershipOf = ({ away, reader }: Case) =>
  `/v1/projects/${away.place.projectId}/memberships/identities/${reader.id}`
const secretOf = ({ key }: Case) => `/v4/secrets/${key}`
const placeOf = ({ environment, path }: Case) => ({ environment, secretPath: path })

/** Asks the first server, and fails unless it says yes. */
const must = ({ away }: Case, method: string, path: string, body: object = {}) =>
  away.must(method, path, method === "GET" ? undefined : body)

const privilege = (of: Case, permissions: readonly object[]) =>
  must(of, "POST", "/v2/identity-project-additional-privilege", {
    identityId: of.reader.id,
    permissions,
    type: { isTemporary: false },
  })
const readEverything = { subject: "secrets", action: ["describeSecret", "readValue"] }

const password = "a password of the person in the group"
const emailOf = (of: Case) => `${slugOf(of)}@coffer.test`
const slugOf = (of: Case) => `group-${of.secretId.slice(0, 8)}`

async function groupOf(of: Case): Promise<{ readonly id: string }> {
  const groups: readonly { id: string; slug: string }[] = await must(of, "GET", "/v1/groups")
  const group = groups.find(({ slug }) => slug === slugOf(of))
  if (group === undefined) throw new Error("there is no such group")
  return group
}

/** The reader is a person, who may read only because of a group. */
async function withAPersonInAGroup(of: Case): Promise<Case> {
  await must(of, "POST", "/v1/groups", { name: slugOf(of), slug: slugOf(of) })
  const { id } = await groupOf(of)
  const { invitations } = of.away.client
  const { token: invitation } = await invitations.create({ email: emailOf(of) })
  await invitations.accept({ token: invitation, password })
  await must(of, "POST", `/v1/groups/${id}/users/${emailOf(of)}`)
  await must(of, "POST", `/v1/projects/${of.away.place.projectId}/groups/${id}`, { role: "viewer" })
  const login = await must(of, "POST", "/v3/auth/login", { email: emailOf(of), password })
  const { project } = await must(of, "GET", `/v1/projects/${of.away.place.projectId}`)
  const chosen = await fetch(`${of.away.server.url}/api/v3/auth/select-organization`, {
    method: "POST",
    headers: { authorization: `Bearer ${login.accessToken}`, "content-type": "application/json" },
    body: JSON.stringify({ organizationId: project.orgId }),
  })
  const { token } = (await chosen.json()) as { token: string }
  return { ...of, reader: { ...of.reader, token } }
}

const changes: readonly Change[] = [
  {
    what: "an update",
    gone: value,
    make: (of) => must(of, "PATCH", secretOf(of), { ...placeOf(of), secretValue: "another" }),
  },
  { what: "a deletion", gone: value, make: (of) => must(of, "DELETE", secretOf(of), placeOf(of)) },
  {
    what: "a rename",
    gone: (of) => of.key,
    make: (of) =>
      must(of, "PATCH", secretOf(of), { ...placeOf(of), newSecretName: `NEW_${of.secretId.slice(0, 4)}` }),
  },
  {
    what: "a move",
    gone: value,
    isHereOnly: true,
    make: (of) =>
      must(of, "POST", "/v4/secrets/move", {
        sourceEnvironment: of.environment,
        sourceSecretPath: of.path,
        destinationEnvironment: of.environment,
        destinationSecretPath: "/",
        secretIds: [of.secretId],
      }),
  },
  {
    what: "the deletion of its folder",
    gone: value,
    make: (of) =>
      must(of, "DELETE", `/v1/folders/${of.path.slice(1)}`, {
        workspaceId: of.away.place.projectId,
        environment: of.environment,
        path: "/",
      }),
  },
  {
    what: "the deletion of its environment",
    gone: value,
    make: async (of) => {
      const { project } = await must(of, "GET", `/v1/projects/${of.away.place.projectId}`)
      const { id } = project.environments.find((one: { slug: string }) => one.slug === of.environment)
      await must(of, "DELETE", `/v1/projects/${of.away.place.projectId}/environments/${id}`)
    },
  },
  {
    what: "another role",
    gone: value,
    make: (of) => must(of, "PATCH", membershipOf(of), { roles: [{ role: "no-access" }] }),
  },
  { what: "the end of a membership", gone: value, make: (of) => must(of, "DELETE", membershipOf(of)) },
  {
    what: "a change of a custom role",
    gone: value,
    prepare: async (of) => {
      const slug = `custom-${of.secretId.slice(0, 8)}`
      const roles = `/v1/projects/${of.away.place.projectId}/roles`
      await must(of, "POST", roles, { slug, name: slug, permissions: [readEverything] })
      await must(of, "PATCH", membershipOf(of), { roles: [{ role: slug }] })
      return of
    },
    make: async (of) => {
      const roles = `/v1/projects/${of.away.place.projectId}/roles`
      const { role } = await must(of, "GET", `${roles}/slug/custom-${of.secretId.slice(0, 8)}`)
      const deny = { subject: "secrets", action: "readValue", inverted: true }
      await must(of, "PATCH", `${roles}/${role.id}`, { permissions: [readEverything, deny] })
    },
  },
  {
    what: "a privilege that denies",
    gone: value,
    make: (of) => privilege(of, [{ subject: "secrets", action: "readValue", inverted: true }]),
  },
  {
    what: "the end of a privilege",
    gone: value,
    prepare: async (of) => {
      await must(of, "PATCH", membershipOf(of), { roles: [{ role: "no-access" }] })
      await privilege(of, [readEverything])
      return of
    },
    make: async (of) => {
      const path = "/v2/identity-project-additional-privilege"
      const query = `identityId=${of.reader.id}&projectId=${of.away.place.projectId}`
      const { privileges } = await must(of, "GET", `${path}?${query}`)
      await must(of, "DELETE", `${path}/${privileges[0].id}`)
    },
  },
  {
    what: "the end of a membership in a group",
    gone: value,
    prepare: withAPersonInAGroup,
    make: async (of) => must(of, "DELETE", `/v1/groups/${(await groupOf(of)).id}/users/${emailOf(of)}`),
  },
  {
    what: "the end of its group in the project",
    gone: value,
    prepare: withAPersonInAGroup,
    make: async (of) =>
      must(of, "DELETE", `/v1/projects/${of.away.place.projectId}/groups/${(await groupOf(of)).id}`),
  },
  {
    what: "the revocation of its token",
    gone: value,
    make: (of) => must(of, "POST", "/v1/auth/token/revoke", { accessToken: of.reader.token }),
  },
  {
    what: "the revocation of its client secret",
    gone: value,
    make: (of) => {
      const secrets = `/v1/auth/universal-auth/identities/${of.reader.id}/client-secrets`
      return must(of, "POST", `${secrets}/${of.reader.clientSecretId}/revoke`)
    },
  },
]

describeWithTwoServers("every surface of a second server", (servers) => {
  let away: AwayServer
  let second: RestartableServer
  beforeAll(() => {
    ;({ first: away, second } = servers())
  })

  for (const [index, change] of changes.entries()) {
    it(`none shows again what ${change.what} took away`, async () => {
      const made = await aCase(index)
      const of = (await change.prepare?.(made)) ?? made
      const gone = change.gone(of)
      const surfaces = surfacesOf(of, change.isHereOnly === true)
      for (const { name, ask } of surfaces) expect(await ask(), `${name} at first`).toContain(gone)
      let isOver = false
      const late: string[] = []
      const readers = surfaces.map(async ({ name, ask }) => {
        for (let rounds = 0; rounds < roundsAfterwards; ) {
          const wasOver = isOver
          const text = await ask()
          if (!wasOver) continue
          rounds += 1
          if (text.includes(gone)) late.push(`${name}: ${text}`)
        }
      })
      const writer = change.make(of).finally(() => {
        isOver = true
      })
      await Promise.all([writer, ...readers])
      expect(late).toEqual([])
    })
  }

  /** A folder, an environment and an identity of its own. */
  async function aCase(index: number): Promise<Case> {
    const { projectId } = away.place
    const environment = `env-${index}`
    const path = `/case-${index}`
    const key = `KEY_${index}_X`
    const value = `the value ${index} here`
    await away.must("POST", `/v1/projects/${projectId}/environments`, {
      name: environment,
      slug: environment,
    })
    await away.must("POST", "/v2/folders", { environment, name: path.slice(1), path: "/" })
    const { secret } = await away.must("POST", `/v4/secrets/${key}`, {
      environment,
      secretPath: path,
      secretValue: value,
    })
    const reader = await aReader(away)
    return { away, environment, path, key, value, secretId: secret.id, reader }
  }

  /** Answers of the second server to the reader, as text. */
  function surfacesOf(of: Case, isHereOnly: boolean) {
    const { projectId } = of.away.place
    const here = `environment=${of.environment}&secretPath=${of.path}`
    const own = `/coffer/v1/projects/${projectId}`
    const ask = (url: string, body?: object) => async () => {
      const answer = await fetch(`${second.url}/api${url}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${of.reader.token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      })
      const text = await answer.text()
      expect(answer.status, text).toBeLessThan(500)
      // A refusal may repeat the name that was asked for.
      if (answer.status !== 200) return ""
      // A search answers with names: that the value was found is said by the key.
      if (!url.endsWith("/search")) return text
      return JSON.parse(text).secrets.length > 0 ? `${text} ${of.value}` : text
    }
    const inFolder = [
      { name: "get", ask: ask(`/v4/secrets/${of.key}?projectId=${projectId}&${here}`) },
      { name: "v4 list", ask: ask(`/v4/secrets?projectId=${projectId}&${here}`) },
      { name: "v3 list", ask: ask(`/v3/secrets/raw?workspaceId=${projectId}&${here}`) },
      { name: "export", ask: ask(`${own}/export?${here}&format=json`) },
      {
        name: "search of the folder",
        ask: ask(`${own}/search`, {
          environment: of.environment,
          secretPath: of.path,
          value: { contains: of.value },
        }),
      },
    ]
    if (isHereOnly) return inFolder
    const root = `environment=${of.environment}&secretPath=/&recursive=true`
    return [
      ...inFolder,
      { name: "recursive list", ask: ask(`/v4/secrets?projectId=${projectId}&${root}`) },
      { name: "get by id", ask: ask(`/v4/secrets/id/${of.secretId}`) },
    ]
  }
})
