import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { FromSmtp, ReceivedMail, SmtpSettings } from "./smtp-process.ts"

/** The handle of a mail server that runs as its own process. */
export class SmtpReceiver {
  readonly mails: ReceivedMail[] = []
  refusedLogins = 0
  port = 0
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(settings: Partial<SmtpSettings> = {}): Promise<SmtpReceiver> {
    const path = fileURLToPath(new URL("smtp-process.ts", import.meta.url))
    const child = fork(path, { execArgv: [], stdio: ["ignore", "ignore", "ignore", "ipc"] })
    const receiver = new SmtpReceiver(child)
    const ready = new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the mail server ended with ${code}`)))
      child.on("message", (message: FromSmtp) => {
        if (message.kind === "mail") receiver.mails.push(message.mail)
        else if (message.kind === "refused-login") receiver.refusedLogins += 1
        else {
          receiver.port = message.port
          resolve()
        }
      })
    })
    child.send({ port: 0, hasTls: true, ...settings })
    await ready
    return receiver
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGKILL")
    await gone
  }
}

/** A header of a mail, unfolded; `undefined` when it has none of that name. */
export function headerOf(mail: ReceivedMail, name: string): string | undefined {
  const head = (mail.raw.split("\r\n\r\n")[0] ?? "").replace(/\r\n[ \t]+/g, " ")
  return head
    .split("\r\n")
    .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    ?.slice(name.length + 1)
    .trim()
}
