import { Secret, TOTP } from "otpauth"
import { insertOrganization } from "../features/admin/store.ts"
import { insertMembership, insertUser } from "../features/users/index.ts"
import { type Answer, adminPassword, type Instance, type TestApp } from "./test-app.ts"

const adminEmail = "root@acme.test"

/** The cookie that an answer sets, as a browser would send it back; `undefined` when it sets none. */
export function cookieOf(answer: Pick<Answer, "headers">): string | undefined {
  const header = [answer.headers["set-cookie"]].flat()[0]
  return typeof header === "string" ? header.split(";")[0] : undefined
}

type Login = {
  readonly email?: string
  readonly password?: string
  readonly from?: string
  readonly headers?: Readonly<Record<string, string>>
}

export function tryLogin(test: TestApp, login: Login = {}): Promise<Answer> {
  const { email = adminEmail, password = adminPassword, ...more } = login
  return test.call("POST", "/v3/auth/login", { body: { email, password }, ...more })
}

export type LoggedIn = {
  /** Names the organization. */
  readonly token: string
  /** Of the login: names no organization. */
  readonly loginToken: string
  readonly cookie: string
}

/** Somebody who logged in with a password and chose the organization; the first user without more said. */
export async function logIn({ test, orgId }: Instance, login: Login = {}): Promise<LoggedIn> {
  const answer = await tryLogin(test, login)
  if (answer.status !== 200) throw new Error(`login: ${answer.status} ${answer.text}`)
  const loginToken: string = answer.body.accessToken
  const body = { organizationId: orgId }
  const chosen = await test.call("POST", "/v3/auth/select-organization", { token: loginToken, body })
  if (chosen.status !== 200) throw new Error(`select-organization: ${chosen.status} ${chosen.text}`)
  return { token: chosen.body.token, loginToken, cookie: cookieOf(chosen) ?? "" }
}

/** Goes on with a session, as a browser does. */
export function refresh(test: TestApp, cookie: string): Promise<Answer> {
  return test.call("POST", "/v1/auth/token", { headers: { cookie } })
}

export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"))
}

export type Colleague = { readonly id: string; readonly email: string; readonly password: string }

/** Somebody who belongs to the organization and can log in; by default a member. */
export async function aColleague(
  { test, orgId }: Pick<Instance, "test" | "orgId">,
  of: { readonly email?: string; readonly role?: string; readonly password?: string } = {},
): Promise<Colleague> {
  const { email = "colleague@acme.test", role = "member", password = "a colleague's password" } = of
  const { random, database, clock } = test.storage
  const passwordHash = await test.app.features.passwords.hash(password)
  const id = random.uuid()
  await database.write(async ({ db }) => {
    await insertUser(db, { id, email, firstName: "", lastName: "", passwordHash }, clock.now())
    await insertMembership(db, { id: random.uuid(), orgId, userId: id, role }, clock.now())
  })
  return { id, email, password }
}

/** A second organization in the same database, and one of its people added to it. */
export async function anotherOrganization(test: TestApp, userId: string): Promise<string> {
  const { random, database, clock } = test.storage
  const id = random.uuid()
  await database.write(async ({ db }) => {
    await insertOrganization(db, { id, name: "Other", slug: `other-${id}` }, clock.now())
    await insertMembership(db, { id: random.uuid(), orgId: id, userId, role: "admin" }, clock.now())
  })
  return id
}

/** The one-time password of this moment, or of so many steps away from it. */
export function codeOf(test: TestApp, secret: string, steps = 0): string {
  const totp = new TOTP({ secret: Secret.fromBase32(secret), digits: 6, period: 30, algorithm: "SHA1" })
  return totp.generate({ timestamp: test.clock.now() + steps * 30_000 })
}

/** Sets one-time passwords up for a person without a second factor; the next step is not used yet. */
export async function enrol(
  test: TestApp,
  token: string,
  password = adminPassword,
): Promise<{ readonly secret: string; readonly recoveryCodes: readonly string[] }> {
  const { secret } = await test.ok("POST", "/coffer/v1/me/totp", { token, body: { password } })
  const body = { code: codeOf(test, secret) }
  const { recoveryCodes } = await test.ok("POST", "/coffer/v1/me/totp/confirm", { token, body })
  test.clock.advance(30_000)
  return { secret, recoveryCodes }
}

export function showCode(test: TestApp, token: string, code: string): Promise<Answer> {
  return test.call("POST", "/v2/auth/mfa/verify", { token, body: { mfaToken: code, mfaMethod: "totp" } })
}
