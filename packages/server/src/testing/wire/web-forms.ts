import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, aProject, type Instance } from "../test-app.ts"

type Fields = Readonly<Record<string, string>>

function submit({ test }: Instance, url: string, fields: Fields | string, headers: Fields = {}) {
  const payload = typeof fields === "string" ? fields : new URLSearchParams(fields).toString()
  return test.app.http.inject({
    method: "POST",
    url: `/api${url}`,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    payload,
  })
}

/** Infisical's GitHub action and the `curl` lines of its documentation log in with a form (contract 0.2). */
export function webForms(open: OpenTestStorage): void {
  it("a pipeline logs in, renews and revokes with a web form, as Infisical's GitHub action does", async () => {
    const instance = await anInstance(await open())
    const { id: project } = await aProject(instance)
    const { clientId, clientSecret } = await aMachine(instance, { project })
    const login = await submit(instance, "/v1/auth/universal-auth/login", { clientId, clientSecret })
    expect(login.statusCode, login.body).toBe(200)
    const { accessToken } = login.json()
    const read = () =>
      instance.test.call("GET", `/v3/secrets/raw?workspaceId=${project}&environment=prod`, {
        token: accessToken,
      })
    expect((await read()).status).toBe(200)
    const renewed = await submit(instance, "/v1/auth/token/renew", { accessToken })
    expect(renewed.json()).toMatchObject({ tokenType: "Bearer", expiresIn: expect.any(Number) })
    const revoked = await submit(instance, "/v1/auth/token/revoke", { accessToken })
    expect(revoked.json()).toEqual({ message: "Successfully revoked access token" })
    expect((await read()).status).toBe(401)
  })

  it.for(["kubernetes-auth", "jwt-auth", "oidc-auth"])("%s reads the form of a login", async (method) => {
    const instance = await anInstance(await open())
    const fields = { identityId: "11111111-2222-4333-8444-555555555555", jwt: "a.b.c" }
    const answer = await submit(instance, `/v1/auth/${method}/login`, fields)
    expect(answer.json()).toMatchObject({
      statusCode: 404,
      message: expect.stringMatching(/not found for id/),
    })
    const empty = await submit(instance, `/v1/auth/${method}/login`, { identityId: "x" })
    expect(empty.json()).toMatchObject({ statusCode: 422, message: expect.stringContaining("body.jwt") })
  })

  it("no page of another site can make a browser send such a form", async () => {
    const instance = await anInstance(await open())
    const { clientId, clientSecret } = await aMachine(instance)
    const fields = { clientId, clientSecret }
    const url = "/v1/auth/universal-auth/login"
    for (const origin of ["https://evil.test", "null"]) {
      expect((await submit(instance, url, fields, { origin })).statusCode).toBe(415)
    }
  })

  it("no other route reads forms, and a field that is sent twice is refused", async () => {
    const instance = await anInstance(await open())
    const { adminToken, test } = instance
    const authorization = `Bearer ${adminToken}`
    const refused = [
      await submit(instance, "/v1/projects", { projectName: "By form" }, { authorization }),
      await submit(instance, "/v3/auth/login", { email: "root@acme.test", password: "x" }),
      await submit(instance, "/v1/admin/bootstrap", {
        email: "a@acme.test",
        password: "x",
        organization: "B",
      }),
    ]
    expect(refused.map(({ statusCode }) => statusCode)).toEqual([415, 415, 415])
    expect((await test.ok("GET", "/v1/projects", { token: adminToken })).projects).toEqual([])
    const twice = await submit(instance, "/v1/auth/token/revoke", "accessToken=a&accessToken=b")
    expect(twice.json()).toMatchObject({ statusCode: 400, error: "BadRequest" })
    const many = Array.from({ length: 101 }, (_, index) => `f${index}=1`).join("&")
    expect((await submit(instance, "/v1/auth/token/revoke", many)).statusCode).toBe(400)
  })
}
