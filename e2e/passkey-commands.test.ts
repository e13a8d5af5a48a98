/**
 * Passkeys as people at a terminal have them: the real command, the pages of the real server, a real Chromium with a
 * device. With `COFFER_TEST_SCREENSHOTS`, a folder, what the pages look like is kept there.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithTools } from "@coffer/testkit"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest"
import { ChildProcesses, type Environment, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { chromium, PasskeyDevice, startChromium } from "./chromium.ts"
import { bootstrapAsMachine } from "./machine-admin.ts"

const email = "admin@coffer.test"
const password = "canary-password-77c2"
const waitMs = 60_000

// A browser beside everything else that is tested at the same time takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeWithTools([chromium], "passkeys at a terminal, by a real browser", () => {
  const processes = new ChildProcesses()
  let folder: string
  let server: RestartableServer
  let person: Environment
  let browser: Browser
  let page: Page
  let device: PasskeyDevice

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-passkey-commands-"))
    server = await startServer(processes, folder)
    person = { ...server.env, XDG_CONFIG_HOME: join(folder, "person") }
    await bootstrapAsMachine(server.env, { email, password })
    await writeFile(join(folder, "password"), password)
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage()
    page.setDefaultTimeout(waitMs)
    device = await PasskeyDevice.plugInto(page)
    return () => page.context().close()
  })

  const coffer = (...args: string[]) => runCoffer(args, person)
  const passwordFile = () => ["--password-file", join(folder, "password")]
  const codeFile = () => join(folder, "code")
  const logInWithPassword = async () => {
    const done = await coffer("login", "--method", "user", "--email", email, ...passwordFile())
    expect(done.exitCode, done.stderr).toBe(0)
  }
  /** Starts a command, up to the page that it wants opened. */
  const begin = async (...args: string[]) => {
    const command = processes.start([...args, "--no-browser"], person)
    const [address] = await command.waitForLine(/http:\S+auth\/passkey\S+/, waitMs)
    return { command, address }
  }
  const beginAdding = (...more: string[]) =>
    begin("account", "passkeys", "add", ...passwordFile(), "--code-file", codeFile(), ...more)
  const picture = async (name: string, of = page) => {
    const { COFFER_TEST_SCREENSHOTS: kept } = process.env
    if (kept === undefined) return
    for (const colorScheme of ["light", "dark"] as const) {
      await of.emulateMedia({ colorScheme })
      await of.screenshot({ path: join(kept, `${name}-${colorScheme}.png`) })
    }
  }
  /** Makes a passkey on the page, up to the last step. @returns what is to be typed */
  const makePasskey = async (of = page): Promise<string> => {
    await of.click("#go:enabled")
    await of.waitForSelector("#then", { state: "visible" })
    return await of.innerText(".check")
  }
  const passkeys = async (): Promise<{ name: string }[]> =>
    JSON.parse((await coffer("account", "passkeys", "list", "--output", "json")).stdout)
  /** Takes away what a test before this one left. */
  const withoutFactors = async () => {
    const reset = ["users", "reset", email, "--second-factors", "--yes"]
    expect((await runCoffer(reset, server.env)).exitCode).toBe(0)
  }

  it("a person adds a passkey, logs out, and logs in with it alone", async () => {
    await logInWithPassword()
    const adding = await beginAdding("--name", "laptop")
    expect(adding.address).not.toContain(password)
    await page.goto(adding.address)
    await page.waitForSelector("#go:enabled")
    expect(await page.innerText("main")).toContain(email)
    await picture("add")
    const check = await makePasskey()
    expect(await page.evaluate("document.activeElement.id")).toBe("last")
    await picture("add-last")
    await writeFile(codeFile(), check)
    await page.click("#continue")
    await page.waitForURL(({ hostname, pathname }) => hostname === "127.0.0.1" && pathname === "/")
    expect(await page.innerText("body")).toContain(check)
    await picture("add-back")
    expect(await adding.command.ended, adding.command.output()).toBe(0)
    expect(adding.command.output()).toContain("The passkey laptop is added")
    expect(adding.command.output().match(/^[a-z0-9]{4}(-[a-z0-9]{4}){3}$/gm)).toHaveLength(10)
    expect(await passkeys()).toMatchObject([{ name: "laptop" }])

    await page.goto(adding.address)
    await page.waitForFunction("document.getElementById('message').textContent !== ''")
    expect(await page.innerText("#message")).toContain("passkeys add' again")
    expect(await page.isDisabled("#go")).toBe(true)
    await picture("add-used")

    expect((await coffer("logout")).exitCode).toBe(0)
    const { command, address } = await begin("login", "--method", "passkey")
    await page.goto(address)
    const [, shown = "none"] = /shows ([0-9a-f]{4}-[0-9a-f]{4})/.exec(command.output()) ?? []
    expect(await page.innerText("#first")).toContain(shown)
    await picture("login")
    await page.click("#go:enabled")
    await page.waitForSelector("#then", { state: "visible" })
    expect(await page.innerText("#then")).toContain(email)
    expect(await page.innerText("#then")).toContain(shown)
    expect(command.output()).not.toContain("Logged in")
    await picture("login-last")
    await page.click("#continue")
    expect(await command.ended, command.output()).toBe(0)
    expect(command.output()).toContain(`as ${email}`)
    expect((await coffer("projects", "list")).exitCode).toBe(0)
    expect(await page.context().cookies()).toEqual([])
    await withoutFactors()
  })

  it("who sees the address and sends a passkey of their own to the port first, adds nothing", async () => {
    await logInWithPassword()
    const { command, address } = await beginAdding()
    const thief = await (await browser.newContext()).newPage()
    await PasskeyDevice.plugInto(thief)
    await thief.goto(address)
    const theirs = await makePasskey(thief)
    await thief.click("#continue")
    await page.goto(address)
    const mine = await makePasskey()
    expect(mine).not.toBe(theirs)
    await writeFile(codeFile(), mine)
    expect(await command.ended, command.output()).toBe(4)
    expect(command.output()).toContain("nothing was added")
    expect(await passkeys()).toEqual([])
    await thief.context().close()
  })

  it("the wrong state changes nothing; cancelling ends the command; a finger that does not fit may try again", async () => {
    await logInWithPassword()
    const { command, address } = await beginAdding()
    const forged = new URL(address)
    const port = forged.searchParams.get("port") ?? ""
    await page.goto(`http://127.0.0.1:${port}/?code=evil&state=${"t".repeat(43)}`)
    expect(await page.innerText("body")).toContain("belongs to nothing")
    await device.knowsPerson(false)
    await page.goto(address)
    await page.click("#go:enabled")
    await page.waitForFunction("document.getElementById('message').textContent !== ''")
    expect(await page.innerText("#message")).toContain("You can try again")
    expect(await page.isEnabled("#go")).toBe(true)
    await picture("add-refused")
    await page.click("text=Cancel, and tell the command")
    expect(await command.ended, command.output()).toBe(130)
    expect(command.output()).toContain("cancelled in the browser")
    expect(await passkeys()).toEqual([])
  })

  it("says so where there is no passkey, no WebAuthn, or another address than that of the server", async () => {
    const { command, address } = await begin("login", "--method", "passkey")
    await page.goto(address)
    await page.click("#go:enabled")
    await page.waitForFunction("document.getElementById('message').textContent !== ''")
    expect(await page.innerText("#message")).toContain("this device has none for this server")
    await page.goto(address.replace("localhost", "127.0.0.1"))
    const { origin } = new URL(address)
    expect(await page.innerText("#message")).toContain(`work at ${origin} only`)
    expect(await page.isDisabled("#go")).toBe(true)
    await picture("login-elsewhere")
    await page.click("#elsewhere a")
    await page.waitForURL(address)
    await page.waitForSelector("#go:enabled")
    await page.addInitScript("delete globalThis.PublicKeyCredential")
    await page.goto(address)
    expect(await page.innerText("#message")).toContain("has no passkeys")
    await command.stop()
  })

  it("the page is in no frame, and a script that somebody puts into it does not run", async () => {
    const { command, address } = await begin("login", "--method", "passkey")
    const evil = createServer((_request, response) => {
      response
        .setHeader("content-type", "text/html")
        .end(`<iframe src="${address.replaceAll("&", "&amp;")}"></iframe>`)
    })
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve))
    const said: string[] = []
    page.on("console", (message) => said.push(message.text()))
    await page.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`)
    evil.close()
    const [, framed] = page.frames()
    expect(await framed?.$("#go")).toBeNull()
    await expect.poll(() => said.join()).toMatch(/frame-ancestors|X-Frame-Options/)
    await page.goto(address)
    const isRunning = await page.evaluate(`
      document.body.append(Object.assign(document.createElement("script"), { textContent: "globalThis.isRunning = true" }))
      globalThis.isRunning === true
    `)
    expect(isRunning).toBe(false)
    await command.stop()
  })
})
