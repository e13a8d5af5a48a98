import { describeDatabase } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"
import { aPerson } from "../../../testing/a-person.ts"
import { aColleague, anotherOrganization, logIn, tryLogin } from "../../../testing/people.ts"
import { type Answer, anInstance, aProject, type Instance } from "../../../testing/test-app.ts"
import { headerOf, SmtpReceiver } from "../../mail/testing/smtp-receiver.ts"
import { pruneInvitations } from "../index.ts"

type Json = Readonly<Record<string, unknown>>
type Storage = Parameters<typeof anInstance>[0]

const all = "/coffer/v1/invitations"
const password = "PASSWORD-of-ann-1234"
const siteUrl = "https://coffer.acme.test"

const receivers: SmtpReceiver[] = []
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop()
})

class Bench {
  readonly instance: Instance
  readonly project: string

  constructor(instance: Instance, project: string) {
    this.instance = instance
    this.project = project
  }

  call(method: string, url: string, body?: Json, token: string | undefined = this.instance.adminToken) {
    const given = token === "" ? {} : { token }
    return this.instance.test.call(method, url, body === undefined ? given : { ...given, body })
  }

  async invite(of: Json = {}): Promise<Answer["body"]> {
    const answer = await this.call("POST", all, { email: "ann@acme.test", ...of })
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
    return answer.body
  }

  accept(token: string, body: Json = { password }, by = ""): Promise<Answer> {
    return this.call("POST", `${all}/accept`, { token, ...body }, by)
  }
}

async function aBench(storage: Storage, config: Parameters<typeof anInstance>[1] = {}): Promise<Bench> {
  const instance = await anInstance(storage, { siteUrl, ...config })
  return new Bench(instance, (await aProject(instance)).id)
}

/** Invitations through the HTTP API, on either database. */
export function describeInvitations(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "invitations", (open) => {
    const make = async (config = {}) => aBench(await open(), config)
    describeNewAccounts(make)
    describeExistingAccounts(make)
    describeLife(make)
    describeBoundary(make)
    describeMails(make)
  })
}

type Make = (config?: Parameters<typeof anInstance>[1]) => Promise<Bench>

function describeNewAccounts(make: Make): void {
  it("a new person accepts with the link alone, chooses a password, and has what was given", async () => {
    const bench = await make()
    const { test, orgId } = bench.instance
    const projects = [{ projectId: bench.project, role: "viewer" }]
    const sent = await bench.invite({ email: " ANN@acme.test ", projects })
    expect(sent).toMatchObject({
      invitation: { email: "ann@acme.test", role: "member", projects, isExpired: false },
      link: `${siteUrl}/accept-invitation#token=${sent.token}`,
      isMailed: false,
    })
    expect(await bench.call("POST", `${all}/look-up`, { token: sent.token }, "")).toMatchObject({
      status: 200,
      body: { email: "ann@acme.test", organization: { name: "Acme" }, role: "member", hasAccount: false },
    })
    const accepted = await bench.accept(sent.token, { password, firstName: "Ann" })
    expect(accepted).toMatchObject({
      status: 200,
      body: { user: { email: "ann@acme.test" }, organization: { id: orgId }, isNewAccount: true },
    })
    expect(await test.lastEvent()).toMatchObject({
      type: "accept-invitation",
      actor: { type: "user", name: "ann@acme.test", authMethod: "invitation" },
      metadata: { userId: accepted.body.user.id, role: "member", isNewAccount: true },
    })
    const { token } = await logIn(bench.instance, { email: "ann@acme.test", password })
    const read = `/v4/secrets?projectId=${bench.project}&environment=prod`
    expect((await bench.call("GET", read, undefined, token)).status).toBe(200)
    expect((await bench.call("GET", all)).body).toEqual({ invitations: [], totalCount: 0 })
  })

  it("the token is 64 hex digits: as an argument of a command it is never taken for an option", async () => {
    const bench = await make()
    const { token } = await bench.invite()
    expect(token).toMatch(/^[0-9a-f]{64}$/)
  })

  it("the token is kept as a hash, and neither it nor the password is in the log of events", async () => {
    const bench = await make()
    const { token } = await bench.invite()
    await bench.accept("TOKEN-that-never-was")
    const { database } = bench.instance.test.storage
    const rows = await database.reader.selectFrom("invitation").selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(token)
    expect(Buffer.from(rows[0]?.token_hash ?? []).toString("latin1")).not.toContain(token)
    await bench.accept(token)
    const events = JSON.stringify(await bench.instance.test.auditEvents())
    for (const secret of [token, password]) expect(events).not.toContain(secret)
  })

  it("a password that is too short changes nothing, and the invitation still works", async () => {
    const bench = await make()
    const { token } = await bench.invite()
    expect((await bench.accept(token, { password: "short" })).status).toBe(400)
    expect((await bench.accept(token, {})).status).toBe(400)
    expect((await bench.accept(token)).status).toBe(200)
  })

  it("of two who accept at once, one succeeds", async () => {
    const bench = await make()
    const { token } = await bench.invite()
    const answers = await Promise.all([bench.accept(token), bench.accept(token), bench.accept(token)])
    const statuses = answers.map(({ status }) => status).toSorted()
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status >= 500)).toEqual([])
    expect((await bench.accept(token)).status).toBe(401)
  })

  it("who was removed from the organization begins anew when invited again", async () => {
    const bench = await make()
    const first = (await bench.accept((await bench.invite()).token)).body.user.id
    await bench.call("DELETE", `/coffer/v1/users/${first}`)
    expect((await tryLogin(bench.instance.test, { email: "ann@acme.test", password })).status).toBe(401)
    const again = await bench.accept((await bench.invite()).token, { password: "another password" })
    expect(again).toMatchObject({ status: 200, body: { user: { id: first }, isNewAccount: true } })
    expect((await tryLogin(bench.instance.test, { email: "ann@acme.test", password })).status).toBe(401)
    await logIn(bench.instance, { email: "ann@acme.test", password: "another password" })
  })
}

function describeExistingAccounts(make: Make): void {
  /** Somebody with an account in another organization only. */
  async function anOutsider(bench: Bench) {
    const ann = await aColleague(bench.instance, { email: "ann@acme.test", password })
    const other = await anotherOrganization(bench.instance.test, ann.id)
    await bench.instance.test.storage.database.write(({ db }) =>
      db
        .deleteFrom("organization_membership")
        .where("actor_id", "=", ann.id)
        .where("org_id", "=", bench.instance.orgId)
        .execute(),
    )
    return { ...ann, other }
  }

  it("an account that exists joins with its own password, and its password stays", async () => {
    const bench = await make()
    const ann = await anOutsider(bench)
    const { token } = await bench.invite()
    expect((await bench.call("POST", `${all}/look-up`, { token }, "")).body.hasAccount).toBe(true)
    expect((await bench.accept(token, { password: "what the sender would like" })).status).toBe(401)
    const accepted = await bench.accept(token)
    expect(accepted.body).toMatchObject({ user: { id: ann.id }, isNewAccount: false })
    const { token: session } = await logIn(bench.instance, { email: "ann@acme.test", password })
    const { organizations } = (await bench.call("GET", "/v1/organization", undefined, session)).body
    expect(organizations).toHaveLength(2)
  })

  it("the password of an account cannot be guessed by accepting", async () => {
    const bench = await make()
    await anOutsider(bench)
    const { token } = await bench.invite()
    for (let count = 0; count < 10; count += 1) await bench.accept(token, { password: `guess ${count}` })
    expect((await bench.accept(token)).status).toBe(401)
    bench.instance.test.clock.advance(16 * 60_000)
    expect((await bench.accept(token)).status).toBe(200)
  })

  it("a session of the invited person will do, that of another will not", async () => {
    const bench = await make()
    const ann = await anOutsider(bench)
    const eve = await aPerson(bench.instance, { email: "eve@acme.test" })
    const { token } = await bench.invite()
    expect((await bench.accept(token, {}, eve.token)).status).toBe(403)
    expect((await bench.accept(token, {}, bench.instance.adminToken)).status).toBe(403)
    const login = await tryLogin(bench.instance.test, { email: "ann@acme.test", password })
    const accepted = await bench.accept(token, {}, login.body.accessToken)
    expect(accepted.body).toMatchObject({ user: { id: ann.id }, isNewAccount: false })
  })

  it("who belongs to the organization, active or not, cannot be invited", async () => {
    const bench = await make()
    const ann = await aColleague(bench.instance, { email: "ann@acme.test" })
    const invite = () => bench.call("POST", all, { email: "ann@acme.test" })
    expect((await invite()).status).toBe(400)
    await bench.call("PATCH", `/coffer/v1/users/${ann.id}`, { isActive: false })
    expect((await invite()).status).toBe(400)
  })
}

function describeLife(make: Make): void {
  it("an invitation ends after a week, makes room for another, and is forgotten later", async () => {
    const bench = await make()
    const { clock, storage } = bench.instance.test
    const { token } = await bench.invite()
    expect((await bench.call("POST", all, { email: "ann@acme.test" })).status).toBe(400)
    clock.advance(7 * 86_400_000)
    expect((await bench.accept(token)).status).toBe(401)
    expect((await bench.call("GET", all)).body.invitations).toMatchObject([{ isExpired: true }])
    await bench.invite()
    expect((await bench.accept(token)).status).toBe(401)
    clock.advance(38 * 86_400_000)
    await pruneInvitations(storage)
    expect((await bench.call("GET", all)).body.totalCount).toBe(0)
  })

  it("a revoked one is dead at once", async () => {
    const bench = await make()
    const { token, invitation } = await bench.invite()
    expect((await bench.call("DELETE", `${all}/${invitation.id}`)).status).toBe(200)
    expect((await bench.accept(token)).status).toBe(401)
    expect((await bench.call("DELETE", `${all}/${invitation.id}`)).status).toBe(404)
    expect((await bench.call("POST", `${all}/${invitation.id}/resend`)).status).toBe(404)
  })

  it("one that is sent again has another token and a new term, and the old token is dead", async () => {
    const bench = await make()
    const { token, invitation } = await bench.invite()
    bench.instance.test.clock.advance(6 * 86_400_000)
    const again = (await bench.call("POST", `${all}/${invitation.id}/resend`)).body
    expect(again.token).not.toBe(token)
    bench.instance.test.clock.advance(2 * 86_400_000)
    expect((await bench.accept(token)).status).toBe(401)
    expect((await bench.accept(again.token)).status).toBe(200)
  })
}

function describeBoundary(make: Make): void {
  it("only administrators invite, list, send again and revoke", async () => {
    const bench = await make()
    const { token } = await aPerson(bench.instance, { email: "member@acme.test" })
    const { invitation } = await bench.invite()
    const tries = [
      bench.call("POST", all, { email: "x@acme.test" }, token),
      bench.call("GET", all, undefined, token),
      bench.call("POST", `${all}/${invitation.id}/resend`, undefined, token),
      bench.call("DELETE", `${all}/${invitation.id}`, undefined, token),
    ]
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(403)
  })

  it("nobody invites to more than it holds itself", async () => {
    const bench = await make()
    const boss = await aPerson(bench.instance, {
      email: "boss@acme.test",
      orgRole: "admin",
      project: bench.project,
      role: "member",
    })
    const invite = (role: string) =>
      bench.call(
        "POST",
        all,
        { email: "x@acme.test", projects: [{ projectId: bench.project, role }] },
        boss.token,
      )
    expect(await invite("admin")).toMatchObject({ status: 403, body: { error: "PermissionBoundaryError" } })
    expect((await invite("no-such-role")).status).toBe(400)
    expect((await invite("viewer")).status).toBe(200)
    const { id: elsewhere } = await aProject(bench.instance, { name: "Elsewhere" })
    const body = { email: "y@acme.test", projects: [{ projectId: elsewhere, role: "viewer" }] }
    expect((await bench.call("POST", all, body, boss.token)).status).toBe(403)
  })

  it("an invitation is worth what its sender may still give when it is used", async () => {
    const bench = await make()
    const boss = await aPerson(bench.instance, { email: "boss@acme.test", orgRole: "admin" })
    const sent = await bench.call("POST", all, { email: "ann@acme.test", role: "admin" }, boss.token)
    await bench.call("PATCH", `/coffer/v1/users/${boss.id}`, { role: "member" })
    expect(await bench.accept(sent.body.token)).toMatchObject({ status: 403 })
    await bench.call("PATCH", `/coffer/v1/users/${boss.id}`, { role: "admin" })
    await bench.call("DELETE", `/coffer/v1/users/${boss.id}`)
    expect(await bench.accept(sent.body.token)).toMatchObject({ status: 403 })
    const again = await bench.call("POST", `${all}/${sent.body.invitation.id}/resend`)
    expect((await bench.accept(again.body.token)).status).toBe(200)
  })
}

function describeMails(make: Make): void {
  it("are sent when mail is set up, with the link and nothing of others", async () => {
    const receiver = await SmtpReceiver.start()
    receivers.push(receiver)
    const mail = {
      host: "127.0.0.1",
      port: receiver.port,
      login: undefined,
      from: { address: "coffer@acme.test", name: "Coffer" },
      tls: "required",
      isCertificateChecked: false,
      caPem: undefined,
    } as const
    const bench = await make({ mail })
    const { test } = bench.instance
    await test.storage.database.write(({ db }) =>
      db.updateTable("organization").set({ name: "Acme\r\nBcc: eve@evil.test\r\n\r\nFree money" }).execute(),
    )
    expect((await bench.call("GET", "/status", undefined, "")).body.emailConfigured).toBe(true)
    const { token, isMailed, invitation } = await bench.invite()
    expect(isMailed).toBe(true)
    await test.app.mails?.runOnce()
    const [received, ...more] = receiver.mails
    expect(more).toEqual([])
    if (received === undefined) throw new Error("no mail")
    expect(received.to).toEqual(["ann@acme.test"])
    expect(headerOf(received, "Bcc")).toBeUndefined()
    expect(headerOf(received, "Subject")).toBe("Invitation to Acme Bcc: eve@evil.test Free money on Coffer")
    const text = received.raw.replace(/=\r\n/g, "").replaceAll("=3D", "=")
    expect(text).toContain(`${siteUrl}/accept-invitation#token=${token}`)
    const again = (await bench.call("POST", `${all}/${invitation.id}/resend`)).body
    await test.app.mails?.runOnce()
    expect(receiver.mails).toHaveLength(2)
    expect((await bench.accept(again.token)).status).toBe(200)
  })
}
