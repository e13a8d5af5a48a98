/** `coffer login --method oidc` as a person does it: a real Chromium, from the printed page to the terminal. */
import { describeWithTools } from "@coffer/testkit"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest"
import { runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { chromium, startChromium } from "./chromium.ts"
import { clientSecret, email, SignOnStand } from "./sign-on-stand.ts"

describeWithTools([chromium], "a command logs in by a real browser", () => {
  let stand: SignOnStand
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    stand = await SignOnStand.open()
    const args = ["sso", "set", "--issuer", stand.provider.issuer, "--client-id", "coffer"]
    const set = [...args, "--client-secret-file", "-"]
    expect((await runCoffer(set, stand.server.env, { stdin: clientSecret })).exitCode).toBe(0)
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await stand?.close()
  })
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage()
    return () => page.context().close()
  })

  /** From the printed page over the pages of the provider to the last page of the server. */
  const logInAs = async (who: string, address: string): Promise<void> => {
    await page.goto(address)
    await page.fill("input[name=login]", who)
    await page.fill("input[name=password]", "any")
    await page.click("form:has(input[value=login]) button[type=submit]")
    await page.click("form:has(input[value=consent]) button[type=submit]")
    await page.waitForURL(/sso\/oidc\/callback/)
  }

  const goOn = async (): Promise<void> => {
    await page.click("a")
    await page.waitForURL(({ pathname }) => pathname === "/")
  }

  it("the page shows what the terminal shows, waits for the person, and leads to the command", async () => {
    const { command, page: address } = await stand.begin("person")
    await logInAs("admin", address)
    const [, check = "none"] = /shows ([0-9a-f]{4}-[0-9a-f]{4})/.exec(command.output()) ?? []
    expect(await page.innerText("main")).toContain(check)
    expect(await page.innerText("main")).toContain(email)
    expect(command.output()).not.toContain("Logged in")
    await goOn()
    expect(await page.innerText("body")).toContain("go back to the terminal")
    expect(await command.ended).toBe(0)
    expect(command.output()).toContain(`as ${email}`)
    expect(await page.context().cookies()).not.toContainEqual(expect.objectContaining({ name: "jid" }))
  })

  it("what the browser's history keeps logs nobody in", async () => {
    const first = await stand.begin("person")
    await logInAs("admin", first.page)
    await goOn()
    expect(await first.command.ended).toBe(0)
    const kept = new URL(page.url())
    const second = await stand.begin("thief")
    const waiting = new URL(second.page).searchParams
    kept.port = waiting.get("port") ?? ""
    kept.searchParams.set("state", waiting.get("state") ?? "")
    await page.goto(kept.href)
    expect(await second.command.ended).toBe(3)
    expect(await stand.storedLogin("thief")).toBeUndefined()
  })

  it("a refusal leads back as well, and the command ends", async () => {
    const { command, page: address } = await stand.begin("stranger")
    await logInAs("stranger", address)
    expect(await page.innerText("main")).toContain("ask an administrator for an invitation")
    await goOn()
    expect(await command.ended).toBe(3)
    expect(await stand.storedLogin("stranger")).toBeUndefined()
  })
})
