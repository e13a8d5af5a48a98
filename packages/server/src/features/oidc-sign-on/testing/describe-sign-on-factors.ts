import { hash } from "node:crypto"
import { describeDatabase } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"
import { codeOf, enrol, logIn, showCode } from "../../../testing/people.ts"
import { type Page, SignOnBench } from "./sign-on-bench.ts"

const benches: SignOnBench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.provider.stop()
})

/** What a second factor means for who logs in with single sign-on, on either database. */
export function describeSignOnFactors(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "second factors with single sign-on", (open) => {
    const make = async () => {
      const bench = await SignOnBench.on(await open())
      benches.push(bench)
      await bench.set()
      const { test } = bench.instance
      const { token } = await logIn(bench.instance)
      const opens = async (one: string) => (await test.call("GET", "/v1/projects", { token: one })).status
      return { bench, test, opens, ...(await enrol(test, token)) }
    }
    const verifier = hash("sha256", "verifier", "base64url")
    const state = hash("sha256", "state", "base64url")
    const order = { port: "49152", state, challenge: hash("sha256", verifier, "hex") }
    const tokenOfCommand = async (bench: SignOnBench) => {
      const begun = await bench.begin(order)
      const page = await bench.open(await bench.callback(begun, "root"), begun.cookie)
      const body = { code: codeIn(page), verifier }
      return await bench.instance.test.ok("POST", "/coffer/v1/sso/oidc/command-token", { body })
    }

    it("the provider's word is one factor: the session of a browser opens nothing before a code", async () => {
      const { bench, test, opens, secret } = await make()
      const page = await bench.logIn("root")
      expect(page).toMatchObject({ status: 200, html: expect.stringContaining("A second factor is due") })
      const token = await bench.tokenOf(page)
      expect(await test.call("GET", "/v1/projects", { token })).toMatchObject({
        status: 401,
        body: { error: "SecondFactorRequired" },
      })
      const shown = await showCode(test, token, codeOf(test, secret))
      expect(shown.status).toBe(200)
      expect(await opens(shown.body.token)).toBe(200)
    })

    it("so does that of a command, with a one-time password or a recovery code", async () => {
      const { bench, test, opens, secret, recoveryCodes } = await make()
      for (const code of [codeOf(test, secret), recoveryCodes[0] ?? ""]) {
        const answer = await tokenOfCommand(bench)
        expect(answer).toMatchObject({ isMfaEnabled: true, mfaMethod: "totp" })
        expect(await opens(answer.token)).toBe(401)
        const shown = await showCode(test, answer.token, code)
        expect(await opens(shown.body.token)).toBe(200)
      }
    })

    it("who has no second factor is asked for none", async () => {
      const { bench, test, secret, opens } = await make()
      const { token } = await logIn(bench.instance)
      await showCode(test, token, codeOf(test, secret))
      test.clock.advance(30_000)
      await test.ok("DELETE", "/coffer/v1/me/totp", { token, body: { code: codeOf(test, secret) } })
      const answer = await tokenOfCommand(bench)
      expect(answer.isMfaEnabled).toBe(false)
      expect(await opens(answer.token)).toBe(200)
      expect((await bench.logIn("root")).html).not.toContain("second factor")
    })

    it("the account's own second factor can be set up by who has no password", async () => {
      const { bench, test, opens } = await make()
      await bench.set({ allowedEmailDomains: ["acme.test"], defaultRole: "member" })
      const token = await bench.tokenOf(await bench.logIn("ann"))
      const { secret } = await test.ok("POST", "/coffer/v1/me/totp", { token, body: {} })
      const body = { code: codeOf(test, secret) }
      await test.ok("POST", "/coffer/v1/me/totp/confirm", { token, body })
      expect(await opens(await bench.tokenOf(await bench.logIn("ann")))).toBe(401)
    })
  })
}

function codeIn(page: Page): string {
  const href = /<a href="([^"]+)">/.exec(page.html)?.[1] ?? ""
  return new URL(href.replaceAll("&#38;", "&")).searchParams.get("code") ?? ""
}
