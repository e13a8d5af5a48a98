/** Two server processes on one PostgreSQL: what one has acknowledged must bind the other. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithPostgres } from "@coffer/testkit"
import { afterAll, beforeAll } from "vitest"
import { ChildProcesses } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { AwayServer } from "./away-server.ts"

export type TwoServers = {
  /** Set up, with a project. */
  readonly first: AwayServer
  readonly second: RestartableServer
}

/** `describe` with two servers of its own, handed to the tests by a function. */
export function describeWithTwoServers(name: string, define: (servers: () => TwoServers) => void): void {
  describeWithPostgres(name, (postgres) => {
    let folder: string
    let processes: ChildProcesses
    let servers: TwoServers | undefined
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "coffer-two-servers-"))
      processes = new ChildProcesses()
      const settings = {
        DB_CONNECTION_URI: await postgres().createDatabase(),
        ROOT_ENCRYPTION_KEY: Buffer.alloc(32, 3).toString("base64"),
      }
      const first = await AwayServer.start(processes, join(folder, "first"), settings)
      servers = { first, second: await startServer(processes, join(folder, "second"), settings) }
    }, 120_000)
    afterAll(async () => {
      await processes?.stopAll()
      await rm(folder, { recursive: true, force: true })
    })
    define(() => {
      if (servers === undefined) throw new Error("the servers run only inside tests and hooks")
      return servers
    })
  })
}

/** A machine identity that may read the project, logged in with a client secret. */
export type Reader = { readonly id: string; readonly token: string; readonly clientSecretId: string }

export async function aReader(away: AwayServer): Promise<Reader> {
  const { client, place } = away
  const { project } = await away.must("GET", `/v1/projects/${place.projectId}`)
  const { id } = await client.identities.create({
    name: "reader",
    organizationId: project.orgId,
    role: "no-access",
  })
  await client.memberships.addIdentity(place.projectId, id, "viewer")
  const { clientId } = await client.universalAuth.attach(id)
  const { clientSecret, clientSecretData } = await client.universalAuth.createClientSecret(id)
  const { accessToken: token } = await client.auth.universalLogin({ clientId, clientSecret })
  return { id, token, clientSecretId: clientSecretData.id }
}
