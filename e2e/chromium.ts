/** A real Chromium, driven through its own protocol; and a device for passkeys that it takes for one of the machine's. */
import { programOnPath, type Tool } from "@coffer/testkit"
import type { Browser, CDPSession, Page } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome"]

const hint = "apt-get install chromium, or any Chromium or Chrome on the PATH"

export const chromium: Tool = {
  name: "chromium",
  hint,
  find: () => names.map((name) => programOnPath(name, hint).find()).find((path) => path !== undefined),
}

/** @throws when it does not start; whoever starts it closes it */
export async function startChromium(): Promise<Browser> {
  const { chromium: driver } = await import("playwright-core")
  // Without its sandbox, which root cannot have; it sees pages of this test only.
  const args = ["--no-sandbox", "--disable-dev-shm-usage"]
  return await driver.launch({ executablePath: chromium.find() ?? "", args, timeout: 60_000 })
}

/** A platform authenticator that keeps passkeys and knows its person, as WebAuthn's own automation has it. */
export class PasskeyDevice {
  readonly #session: CDPSession
  readonly #id: string

  private constructor(session: CDPSession, id: string) {
    this.#session = session
    this.#id = id
  }

  /** Plugs one into the browser of the page. */
  static async plugInto(page: Page): Promise<PasskeyDevice> {
    const session = await page.context().newCDPSession(page)
    await session.send("WebAuthn.enable")
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    return new PasskeyDevice(session, authenticatorId)
  }

  /** Everything it holds, keys included: what a thief of the device's memory would have. */
  async copy() {
    return (await this.#session.send("WebAuthn.getCredentials", { authenticatorId: this.#id })).credentials
  }

  /** Puts the device back to what it was at the time of a {@link copy}. */
  async restore(copy: Awaited<ReturnType<PasskeyDevice["copy"]>>): Promise<void> {
    await this.#session.send("WebAuthn.clearCredentials", { authenticatorId: this.#id })
    for (const credential of copy) {
      await this.#session.send("WebAuthn.addCredential", { authenticatorId: this.#id, credential })
    }
  }

  /** Whether the person's finger fits from now on. */
  async knowsPerson(isUserVerified: boolean): Promise<void> {
    await this.#session.send("WebAuthn.setUserVerified", { authenticatorId: this.#id, isUserVerified })
  }
}
