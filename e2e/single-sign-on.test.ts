/** `coffer login --method oidc`: a real server, a real OpenID provider, and as much of a browser as their pages need. */
import { createClient } from "@coffer/client"
import { reservePort } from "@coffer/control-plane"
import { Secret, TOTP } from "otpauth"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Finished, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { clientSecret, email, password, SignOnStand } from "./sign-on-stand.ts"

describe("single sign-on at the command line", () => {
  let stand: SignOnStand
  const outputs: string[] = []

  beforeAll(async () => {
    stand = await SignOnStand.open()
  })
  afterAll(() => stand?.close())

  const sso = async (args: readonly string[], stdin?: string): Promise<Finished> => {
    const command = ["sso", ...args, "--output", "json"]
    const done = await runCoffer(command, stand.server.env, stdin === undefined ? {} : { stdin })
    outputs.push(done.stdout + done.stderr)
    return done
  }
  /** What a person does in a browser: the last page that they see, and where its link leads. */
  const logInAt = async (page: string, who: string): Promise<{ html: string; link: string }> => {
    const first = await fetch(page, { redirect: "manual", headers: { accept: "text/html" } })
    const cookie = (first.headers.get("set-cookie") ?? "").split(";")[0] ?? ""
    const callback = await stand.provider.logIn(first.headers.get("location") ?? "", who)
    const last = await fetch(callback, { headers: { cookie, accept: "text/html" } })
    const html = await last.text()
    return { html, link: (/<a href="([^"]+)">/.exec(html)?.[1] ?? "").replaceAll("&#38;", "&") }
  }
  it("an administrator sets the provider up, tries it, and the secret is shown by nothing", async () => {
    expect((await sso(["show"])).exitCode).toBe(5)
    const set = [
      "set",
      "--issuer",
      stand.provider.issuer,
      "--client-id",
      "coffer",
      "--client-secret-file",
      "-",
    ]
    expect((await sso(["set", "--client-id", "coffer"])).stderr).toContain("--issuer is missing")
    expect((await sso(set.slice(0, 5))).stderr).toContain("--client-secret-file")
    expect((await sso(set, "canary-wrong-secret")).exitCode).toBe(0)
    expect(await sso(["test"])).toMatchObject({
      exitCode: 8,
      stderr: expect.stringContaining("refuses the client id or the client secret"),
    })
    expect((await sso([...set, "--allowed-domain", "coffer.test"], `${clientSecret}\n`)).exitCode).toBe(0)
    expect(await sso(["test"])).toMatchObject({ exitCode: 0 })
    expect(JSON.parse((await sso(["show"])).stdout)).toMatchObject({
      allowedEmailDomains: ["coffer.test"],
      organizationSlug: stand.slug,
      redirectUrl: `${stand.server.url}/api/coffer/v1/sso/oidc/callback`,
    })
    const shown = await runCoffer(["sso", "show"], stand.server.env)
    expect(shown.stdout).toContain(`coffer login --method oidc --organization-slug ${stand.slug}`)
  })

  it("what is not said stays as it was, the secret too; disabled, nobody begins a login", async () => {
    const changed = await sso(["set", "--default-role", "no-access"])
    expect(JSON.parse(changed.stdout)).toMatchObject({
      issuer: stand.provider.issuer,
      allowedEmailDomains: ["coffer.test"],
      defaultRole: "no-access",
    })
    const back = await sso(["set", "--invited-only", "--any-domain"])
    expect(JSON.parse(back.stdout)).toMatchObject({ defaultRole: null, allowedEmailDomains: [] })
    expect(JSON.parse((await sso(["disable"])).stdout).isActive).toBe(false)
    const login = ["login", "--method", "oidc", "--organization-slug", stand.slug, "--no-browser"]
    expect((await runCoffer(login, stand.person("person"))).exitCode).toBe(5)
    expect(JSON.parse((await sso(["enable"])).stdout).isActive).toBe(true)
    expect((await sso(["test"])).exitCode).toBe(0)
  })

  it("a person logs in with a browser, and the command works from then on", async () => {
    const { command, page } = await stand.begin("person")
    const { html, link } = await logInAt(page, "admin")
    const [, check = ""] = /shows ([0-9a-f]{4}-[0-9a-f]{4})/.exec(command.output()) ?? []
    expect(check).not.toBe("")
    expect(html).toContain(check)
    expect(await (await fetch(link)).text()).toContain("go back to the terminal")
    expect(await command.ended).toBe(0)
    expect(command.output()).toContain(`as ${email}`)
    const status = await runCoffer(["login", "status", "--output", "json"], stand.person("person"))
    expect(JSON.parse(status.stdout)).toMatchObject({ organizationSlug: stand.slug, isValid: true })
    const code = new URL(link).searchParams.get("code") ?? "none"
    for (const output of [
      command.output(),
      await stand.storedLogin("person"),
      stand.server.process().output(),
    ]) {
      expect(output).not.toContain(code)
    }
  })

  it("who has a second factor shows it in the terminal, after the browser", async () => {
    const { domain, token } = JSON.parse((await stand.storedLogin("person")) ?? "")
    const { ownAccount } = createClient({ baseUrl: domain, token })
    const { secret } = await ownAccount.enrolTotp({ password })
    const totp = new TOTP({ secret: Secret.fromBase32(secret) })
    const [first = "", second = ""] = await ownAccount.confirmTotp(totp.generate())
    const logInWith = async (...more: string[]) => {
      const { command, page } = await stand.begin("second", ...more)
      await fetch((await logInAt(page, "admin")).link)
      return { exitCode: await command.ended, output: command.output() }
    }
    expect(await logInWith()).toMatchObject({ exitCode: 2, output: expect.stringContaining("--code") })
    expect(await stand.storedLogin("second")).toBeUndefined()
    expect(await logInWith("--code", first)).toMatchObject({ exitCode: 0 })
    expect((await runCoffer(["account", "show"], stand.person("second"))).exitCode).toBe(0)
    await ownAccount.removeTotp(second)
  })

  it("login CSRF: a code that an attacker's login gave does not log this command in", async () => {
    const [mine, attackers] = [await stand.begin("victim"), await stand.begin("attacker")]
    const theirs = await logInAt(attackers.page, "admin")
    const stolen = new URL(theirs.link)
    const [minePort, mineState] = ["port", "state"].map((name) => new URL(mine.page).searchParams.get(name))
    stolen.port = minePort ?? ""
    expect((await fetch(stolen)).status).toBe(404)
    expect(mine.command.output()).not.toContain("Logged in")
    stolen.searchParams.set("state", mineState ?? "")
    expect((await fetch(stolen)).status).toBe(200)
    expect(await mine.command.ended).toBe(3)
    expect(mine.command.output()).toContain("was not accepted")
    expect(await stand.storedLogin("victim")).toBeUndefined()
    await fetch(theirs.link)
    expect(await attackers.command.ended).toBe(0)
  })

  it("who is refused by the server sees why in the browser, and no code", async () => {
    const { command, page } = await stand.begin("stranger")
    const { html, link } = await logInAt(page, "stranger")
    expect(html).toContain("ask an administrator for an invitation")
    expect(new URL(link).searchParams.has("code")).toBe(false)
    await fetch(link)
    expect(await command.ended).toBe(3)
    expect(command.output()).toContain("the page in the browser said why")
    expect(await stand.storedLogin("stranger")).toBeUndefined()
  })

  it("the wait has a limit", async () => {
    const { command } = await stand.begin("nobody", "--timeout", "1")
    expect(await command.ended).toBe(7)
    expect(command.output()).toContain("within 1 second;")
  })

  it("Ctrl-C ends the wait and frees the port; nothing is stored", async () => {
    const port = await reservePort()
    const { command } = await stand.begin("quitter", "--port", String(port))
    process.kill(command.pid, "SIGINT")
    expect(await command.ended).toBe(130)
    expect(await stand.storedLogin("quitter")).toBeUndefined()
    const again = await stand.begin("quitter", "--port", String(port))
    expect(new URL(again.page).searchParams.get("port")).toBe(String(port))
    await again.command.stop()
  })

  it("removed, its people are asked for, and the output held no secret", async () => {
    expect((await sso(["remove"])).exitCode).toBe(2)
    expect((await sso(["remove", "--yes"])).exitCode).toBe(0)
    expect((await sso(["show"])).exitCode).toBe(5)
    expect(outputs.length).toBeGreaterThan(10)
    for (const output of outputs) expect(output).not.toContain("canary")
  })

  it("a slug without single sign-on is said before anybody opens a browser", async () => {
    const args = ["login", "--method", "oidc", "--organization-slug", "nobody", "--no-browser"]
    const { exitCode, stderr } = await runCoffer(args, stand.person("person"))
    expect(exitCode).toBe(5)
    expect(stderr).toContain("slug of the organization")
  })
})
