/**
 * What people and machines do to their own rights and credentials, several times at once: each write ends the epoch of
 * whoever makes it, so they must come one after the other, not wait for each other.
 */
import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it } from "vitest"
import { aPerson } from "./a-person.ts"
import { Authenticator } from "./authenticator.ts"
import { claimsOf, codeOf, enrol, logIn, tryLogin } from "./people.ts"
import { adminPassword, aMachine, anInstance, aProject, type Instance } from "./test-app.ts"

const siteUrl = "https://secrets.acme.test"
const several = [1, 2, 3, 4]

export function describeOwnRights(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "one's own rights, changed several times at once", (open) => {
    /** Runs all at once; answers with their statuses, the lowest first, if none waited for another in a circle. */
    const atOnce = async (storage: TestStorage, calls: readonly (() => Promise<{ status: number }>)[]) => {
      const answers = await Promise.all(calls.map((call) => call()))
      expect(await deadlocksOf(storage)).toBe(0)
      return answers.map(({ status }) => status).sort()
    }
    const make = async () => {
      const storage = await open()
      return { storage, instance: await anInstance(storage, { siteUrl }) }
    }
    const all = several.map(() => 200)

    it("people of a group add themselves to several projects, and machines change their roles and leave", async () => {
      const { storage, instance } = await make()
      const { test } = instance
      const ann = await aPerson(instance, { email: "ann@acme.test" })
      const bob = await aPerson(instance, { email: "bob@acme.test" })
      const machine = await aMachine(instance)
      const group = await groupOf(instance, "bob@acme.test")
      const projects = await Promise.all(
        several.map((number) => aProject(instance, { slug: `project-${number}`, token: ann.token })),
      )
      const [as, robot] = [{ token: bob.token }, { token: machine.token }]
      const own = (id: string) => `/v1/projects/${id}/memberships/identities/${machine.id}`
      for (const { id } of projects) {
        const asAnn = { token: ann.token, body: { role: "admin" } }
        await test.ok("POST", `/v1/projects/${id}/groups/${group}`, asAnn)
        await test.ok("POST", own(id), asAnn)
      }
      const themselves = { ...as, body: { emails: ["bob@acme.test"], roleSlugs: ["viewer"] } }
      const adding = projects.map(
        ({ id }) =>
          () =>
            test.call("POST", `/v1/projects/${id}/memberships`, themselves),
      )
      expect(await atOnce(storage, adding)).toEqual(all)
      const roles = { ...robot, body: { roles: [{ role: "admin" }, { role: "viewer" }] } }
      expect(
        await atOnce(
          storage,
          projects.map(
            ({ id }) =>
              () =>
                test.call("PATCH", own(id), roles),
          ),
        ),
      ).toEqual(all)
      expect(
        await atOnce(
          storage,
          projects.map(
            ({ id }) =>
              () =>
                test.call("DELETE", own(id), robot),
          ),
        ),
      ).toEqual(all)
      const taking = projects.map(
        ({ id }) =>
          () =>
            test.call("DELETE", `/v1/projects/${id}/groups/${group}`, as),
      )
      expect(await atOnce(storage, taking)).toEqual(all)
    })

    it("passkeys are added and removed", async () => {
      const { storage, instance } = await make()
      const { test } = instance
      const { token } = await logIn(instance)
      const path = "/coffer/v1/me/passkeys"
      const password = { token, body: { password: adminPassword } }
      const devices = several.map(() => new Authenticator(siteUrl))
      const bodies = []
      for (const device of devices) {
        const { options, challengeToken } = await test.ok("POST", `${path}/options`, password)
        bodies.push({ name: "Laptop", challengeToken, response: device.create(options) })
      }
      const adding = bodies.map((body) => () => test.call("POST", path, { token, body }))
      expect(await atOnce(storage, adding)).toEqual(all)
      const removing = devices.map(
        ({ id }) =>
          () =>
            test.call("DELETE", `${path}/${id}`, password),
      )
      expect(await atOnce(storage, removing)).toEqual(all)
      expect((await test.ok("GET", path, { token })).passkeys).toEqual([])
    })

    it("one-time passwords are confirmed, and removed, once", async () => {
      const { storage, instance } = await make()
      const { test } = instance
      const { token } = await logIn(instance)
      const path = "/coffer/v1/me/totp"
      const { secret } = await test.ok("POST", path, { token, body: { password: adminPassword } })
      const code = { token, body: { code: codeOf(test, secret) } }
      const confirming = [1, 2].map(() => () => test.call("POST", `${path}/confirm`, code))
      expect(await atOnce(storage, confirming)).toEqual([200, 403])
      test.clock.advance(30_000)
      const next = { token, body: { code: codeOf(test, secret) } }
      const removing = [1, 2].map(() => () => test.call("DELETE", path, next))
      expect(await atOnce(storage, removing)).toEqual([200, 403])
      await enrol(test, token)
    })

    it("sessions are ended and the password is changed", async () => {
      const { storage, instance } = await make()
      const { test } = instance
      const sessions = []
      for (const _ of [...several, 0, 0]) sessions.push(await logIn(instance))
      const [token = "", second = "", ...others] = sessions.map((session) => session.token)
      const ending = others.map((other) => {
        const id = String(claimsOf(other)["tokenVersionId"])
        return () => test.call("DELETE", `/coffer/v1/me/sessions/${id}`, { token })
      })
      expect(await atOnce(storage, ending)).toEqual(all)
      const newPassword = "another correct horse"
      const changing = [1, 2].map(
        () => () =>
          test.call("POST", "/coffer/v1/me/password", {
            token,
            body: { oldPassword: adminPassword, newPassword },
          }),
      )
      expect(await atOnce(storage, changing)).toEqual([200, 403])
      expect((await test.call("GET", "/v1/projects", { token: second })).status).toBe(401)
      expect((await tryLogin(test, { password: newPassword })).status).toBe(200)
    })
  })
}

async function groupOf({ test, adminToken: token }: Instance, email: string): Promise<string> {
  const { id } = await test.ok("POST", "/v1/groups", { token, body: { name: "Admins", slug: "admins" } })
  await test.ok("POST", `/v1/groups/${id}/users/${email}`, { token, body: {} })
  return id
}

/** How often PostgreSQL had to end a transaction of this database because two waited for each other. */
async function deadlocksOf({ connectionUri, database }: TestStorage): Promise<number> {
  if (connectionUri === undefined) return 0
  const { rows } = await sql<{ deadlocks: string | number }>`
    select deadlocks from pg_stat_database where datname = current_database()
  `.execute(database.reader)
  return Number(rows[0]?.deadlocks)
}
