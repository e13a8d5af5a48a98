import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { FromProvider, ProviderSettings } from "./provider-process.ts"

/** The handle of an OpenID provider that runs as its own process. */
export class OpenIdProvider {
  readonly issuer: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, issuer: string) {
    this.#child = child
    this.issuer = issuer
  }

  static async start(settings: ProviderSettings): Promise<OpenIdProvider> {
    const path = fileURLToPath(new URL("provider-process.ts", import.meta.url))
    const child = fork(path, { execArgv: [], stdio: ["ignore", "ignore", "ignore", "ipc"] })
    const ready = new Promise<string>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the OpenID provider ended with ${code}`)))
      child.once("message", (message: FromProvider) => resolve(message.issuer))
    })
    child.send(settings)
    return new OpenIdProvider(child, await ready)
  }

  /** Logs in at the provider as its page asks for it, and consents. @returns where the browser is sent at the end */
  async logIn(url: string, person: string): Promise<string> {
    const browser = new Browser(this.issuer)
    let answer = await browser.open(url)
    for (let step = 0; step < 20; step += 1) {
      const location = answer.headers.get("location")
      if (location !== null) {
        const next = new URL(location, this.issuer)
        if (next.origin !== this.issuer) return next.href
        answer = await browser.open(next.href)
        continue
      }
      answer = await browser.submit(await answer.text(), { login: person, password: "any" })
    }
    throw new Error("the login at the provider did not end")
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGKILL")
    await gone
  }
}

/** As much of a browser as the provider's pages need. */
class Browser {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  async open(url: string, body?: URLSearchParams): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const answer = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      redirect: "manual",
      headers: { cookie },
      ...(body === undefined ? {} : { body }),
    })
    for (const header of answer.headers.getSetCookie()) {
      const [pair = ""] = header.split(";")
      const at = pair.indexOf("=")
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return answer
  }

  /** Sends the first form of a page with its hidden fields and the answers. */
  submit(html: string, answers: Readonly<Record<string, string>>): Promise<Response> {
    const action = /<form[^>]*action="([^"]+)"/.exec(html)?.[1]
    if (action === undefined) throw new Error(`no form: ${html.slice(0, 500)}`)
    const body = new URLSearchParams()
    for (const [tag] of html.matchAll(/<input[^>]*>/g)) {
      const name = /name="([^"]+)"/.exec(tag)?.[1]
      const value = /value="([^"]*)"/.exec(tag)?.[1]
      if (name !== undefined) body.set(name, answers[name] ?? value ?? "")
    }
    return this.open(new URL(action, this.#origin).href, body)
  }
}
