/**
 * Passkeys as people have them: a real Chromium asks its device, in a page that the real server serves. Where the
 * server names no address of its own, browsers make passkeys at http://localhost alone.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithTools } from "@coffer/testkit"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { chromium, PasskeyDevice, startChromium } from "./chromium.ts"
import { bootstrapAsMachine } from "./machine-admin.ts"

const email = "admin@coffer.test"
const password = "canary-password-80d1"

type Json = Readonly<Record<string, unknown>>
type Reply = { readonly status: number; readonly body: Json }
type Asked = { readonly options: Json; readonly challengeToken: string }

/** What of a browser's globals the pages below use. */
type Globals = {
  readonly PublicKeyCredential: Readonly<
    Record<"parseCreationOptionsFromJSON" | "parseRequestOptionsFromJSON", (options: Json) => unknown>
  >
  readonly navigator: {
    readonly credentials: Readonly<
      Record<"create" | "get", (of: { readonly publicKey: unknown }) => Promise<{ toJSON(): Json }>>
    >
  }
}

/** Calls the server from the page, as a script of the page would. */
function send(page: Page, path: string, of: { readonly body?: object; readonly token?: string } = {}) {
  return page.evaluate(
    async ([url, body, token]) => {
      const headers = {
        "content-type": "application/json",
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      }
      const answer = await fetch(`/api${url}`, { method: "POST", headers, body })
      return { status: answer.status, body: (await answer.json()) as Json }
    },
    [path, JSON.stringify(of.body ?? {}), of.token ?? ""] as const,
  )
}

/** Asks the browser for a passkey. @returns what it made of the options, or the name of its refusal */
function askDevice(page: Page, verb: "create" | "get", options: Json): Promise<Json | string> {
  return page.evaluate(
    async ([what, given]) => {
      const { navigator, PublicKeyCredential } = globalThis as unknown as Globals
      const parse = what === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON"
      try {
        const publicKey = PublicKeyCredential[parse](given)
        return (await navigator.credentials[what]({ publicKey })).toJSON()
      } catch (error) {
        return error instanceof Error ? error.name : "unknown"
      }
    },
    [verb, options] as const,
  )
}

describeWithTools([chromium], "passkeys in a real browser", () => {
  const processes = new ChildProcesses()
  let folder: string
  let server: RestartableServer
  let site: string
  let organizationId: string
  let browser: Browser
  let page: Page
  let device: PasskeyDevice

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-passkeys-"))
    server = await startServer(processes, folder)
    site = server.url.replace("127.0.0.1", "localhost")
    await bootstrapAsMachine(server.env, { email, password })
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage()
    // The page with its policy is what counts here, not the documentation that it draws.
    await page.route("**/api/docs/files/**", (route) => route.abort())
    await page.goto(`${site}/api/docs`)
    device = await PasskeyDevice.plugInto(page)
    return () => page.context().close()
  })

  /** A session of the organization, by password. */
  const logIn = async (): Promise<{ token: string; isMfaEnabled: boolean }> => {
    const { body } = await send(page, "/v3/auth/login", { body: { email, password } })
    const { accessToken: token } = body as { accessToken: string }
    organizationId = await organizationOf(token)
    const chosen = await send(page, "/v3/auth/select-organization", { body: { organizationId }, token })
    return chosen.body as { token: string; isMfaEnabled: boolean }
  }
  const organizationOf = async (token: string): Promise<string> => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${server.url}/api/v1/organization`, { headers })
    return ((await answer.json()) as { organizations: { id: string }[] }).organizations[0]?.id ?? ""
  }
  const ask = async (path: string, of: Parameters<typeof send>[2] = {}): Promise<Asked> => {
    const { status, body } = await send(page, path, of)
    expect(status).toBe(200)
    return body as Asked
  }
  const register = async (token: string, name = "this machine"): Promise<Reply> => {
    const { options, challengeToken } = await ask("/coffer/v1/me/passkeys/options", {
      body: { password },
      token,
    })
    const response = await askDevice(page, "create", options)
    return await send(page, "/coffer/v1/me/passkeys", { body: { name, challengeToken, response }, token })
  }
  const askToLogIn = () => ask("/coffer/v1/auth/passkey/options")
  const answer = (challengeToken: string, response: Json | string) =>
    send(page, "/coffer/v1/auth/passkey/login", { body: { challengeToken, response } })
  const logInWithPasskey = async (): Promise<Reply> => {
    const { options, challengeToken } = await askToLogIn()
    return await answer(challengeToken, await askDevice(page, "get", options))
  }
  const statusWith = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${server.url}/api/v1/projects`, { headers })).status
  }
  /** Takes away what a test before this one left. */
  const withoutFactors = async () => {
    const reset = ["users", "reset", email, "--second-factors", "--yes"]
    expect((await runCoffer(reset, server.env)).exitCode).toBe(0)
  }

  it("a person adds a passkey and logs in with it alone, without saying who they are", async () => {
    const { token } = await logIn()
    const added = await register(token)
    expect(added).toMatchObject({ status: 200, body: { passkey: { name: "this machine" } } })
    expect((added.body as { recoveryCodes: string[] }).recoveryCodes).toHaveLength(10)
    const { status, body } = await logInWithPasskey()
    expect(status).toBe(200)
    const { accessToken } = body as { accessToken: string }
    const chosen = await send(page, "/v3/auth/select-organization", {
      body: { organizationId },
      token: accessToken,
    })
    expect(chosen.body).toMatchObject({ isMfaEnabled: false })
    expect(await statusWith(String(chosen.body["token"]))).toBe(200)
    const cookies = await page.context().cookies()
    expect(cookies).toMatchObject([{ name: "jid", httpOnly: true, sameSite: "Strict", path: "/" }])
    const renewed = await send(page, "/v1/auth/token")
    expect(renewed.status).toBe(200)
    await withoutFactors()
  })

  it("a passkey is the second factor beside a password", async () => {
    await register((await logIn()).token)
    const { token, isMfaEnabled } = await logIn()
    expect(isMfaEnabled).toBe(true)
    expect(await statusWith(token)).toBe(401)
    const { options, challengeToken } = await ask("/coffer/v1/auth/passkey/second-factor/options", { token })
    const response = await askDevice(page, "get", options)
    const shown = await send(page, "/coffer/v1/auth/passkey/second-factor", {
      body: { challengeToken, response },
      token,
    })
    expect(shown.status).toBe(200)
    expect(await statusWith(String(shown.body["token"]))).toBe(200)
    await withoutFactors()
  })

  it("the same device is not added twice, and a finger that does not fit opens nothing", async () => {
    const { token } = await logIn()
    await register(token)
    const { options } = await ask("/coffer/v1/me/passkeys/options", { body: { password }, token })
    expect(await askDevice(page, "create", options)).toBe("InvalidStateError")
    await device.knowsPerson(false)
    const login = await askToLogIn()
    expect(await askDevice(page, "get", login.options)).toBe("NotAllowedError")
    const lax = { ...login.options, userVerification: "discouraged" }
    const unverified = await askDevice(page, "get", lax)
    expect(unverified).toMatchObject({ type: "public-key" })
    expect((await answer(login.challengeToken, unverified)).status).toBe(403)
    await withoutFactors()
  })

  it("an answer works once, and a copy of the device that is behind opens nothing", async () => {
    await register((await logIn()).token)
    const copy = await device.copy()
    const { options, challengeToken } = await askToLogIn()
    const response = await askDevice(page, "get", options)
    expect((await answer(challengeToken, response)).status).toBe(200)
    expect((await answer(challengeToken, response)).status).toBe(403)
    await device.restore(copy)
    expect((await logInWithPasskey()).status).toBe(403)
    await withoutFactors()
  })

  it("a page of another origin gets an answer of the device, which the server refuses", async () => {
    await register((await logIn()).token)
    const evil = createServer((_request, response) => {
      response.setHeader("content-type", "text/html").end("<!doctype html><title>Evil</title>")
    })
    const { options, challengeToken } = await askToLogIn()
    await page.goto(await originOf(evil))
    const response = await askDevice(page, "get", options)
    evil.close()
    expect(response).toMatchObject({ type: "public-key" })
    await page.goto(`${site}/api/docs`)
    expect((await answer(challengeToken, response)).status).toBe(403)
    expect((await logInWithPasskey()).status).toBe(200)
    await withoutFactors()
  })

  it("at http://127.0.0.1 there are no passkeys, and the server says what to do", async () => {
    const { token } = await logIn()
    await page.goto(`${server.url}/api/docs`)
    const { status, body } = await send(page, "/coffer/v1/me/passkeys/options", { body: { password }, token })
    expect({ status, message: body["message"] }).toEqual({
      status: 400,
      message: expect.stringContaining("COFFER_SITE_URL"),
    })
  })

  it("a script that somebody puts into the page does not run, and cannot ask for a passkey", async () => {
    const said: string[] = []
    page.on("console", (message) => said.push(message.text()))
    const isRunning = await page.evaluate(`
      document.body.append(Object.assign(document.createElement("script"), { textContent: "globalThis.isRunning = true" }))
      globalThis.isRunning === true
    `)
    expect(isRunning).toBe(false)
    await expect.poll(() => said.join()).toContain("Content Security Policy")
  })
})

async function originOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `http://localhost:${(server.address() as AddressInfo).port}/`
}
