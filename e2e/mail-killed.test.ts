/** A server that dies between queueing a mail and sending it: the next one sends it, with the link that works. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { reservePort } from "@coffer/control-plane"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { headerOf, SmtpReceiver } from "../packages/server/src/features/mail/testing/smtp-receiver.ts"

/** A server that dies in the middle of sending keeps the others from it for three minutes. */
const longestWaitMs = 200_000

describe("a mail and a server that is killed", () => {
  let folder: string
  let server: RestartableServer
  let receiver: SmtpReceiver | undefined
  let smtpPort = 0
  const processes = new ChildProcesses()

  const ok = async (args: readonly string[], stdin = "") => {
    const finished = await runCoffer(args, server.env, { stdin })
    expect(finished, finished.stderr).toMatchObject({ exitCode: 0 })
    return finished
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-mail-"))
    smtpPort = await reservePort()
    server = await startServer(processes, folder, {
      SITE_URL: "https://coffer.example.test",
      SMTP_HOST: "127.0.0.1",
      SMTP_PORT: String(smtpPort),
      SMTP_FROM_ADDRESS: "coffer@example.test",
      SMTP_TLS_REJECT_UNAUTHORIZED: "false",
    })
    const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    await ok([...bootstrap, "--password-file", "-"], "correct horse battery staple")
  })
  afterAll(async () => {
    await receiver?.stop()
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it(
    "the invitation comes after the restart, once, and can be accepted",
    async () => {
      const sent = await ok(["invitations", "create", "ann@coffer.test"])
      expect(sent.stderr).toContain("Mailed to ann@coffer.test")
      await server.process().waitForLine(/mails wait/, 60_000)
      await server.process().kill()
      receiver = await SmtpReceiver.start({ port: smtpPort })
      await server.start()
      await expect.poll(() => receiver?.mails.length, { timeout: longestWaitMs }).toBe(1)
      const [mail] = receiver.mails
      if (mail === undefined) throw new Error("no mail")
      expect(mail.to).toEqual(["ann@coffer.test"])
      expect(headerOf(mail, "Subject")).toBe("Invitation to Acme on Coffer")
      const text = mail.raw.replace(/=\r\n/g, "").replaceAll("=3D", "=")
      const [, token = ""] = /#token=([\w-]+)/.exec(text) ?? []
      const accept = ["invitations", "accept", token, "--domain", server.url, "--password-file", "-"]
      expect((await ok(accept, "a password of ann")).stdout).toContain("ann@coffer.test belongs to Acme")
    },
    longestWaitMs + 60_000,
  )
})
