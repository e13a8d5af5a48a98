import type { Transporter } from "nodemailer"
import type { MailConfig } from "../../mail-config.ts"
import { judgeFailure, type SendFailure, type SmtpError } from "./domain.ts"

export type OutgoingMail = {
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
}

const connectTimeoutMs = 15_000
const silenceTimeoutMs = 30_000

/** Sends mails over one connection each; the library is loaded with the first. */
export class SmtpSender {
  readonly #config: MailConfig
  #transport: Promise<Transporter> | undefined

  constructor(config: MailConfig) {
    this.#config = config
  }

  /** @returns why it was not sent; `undefined` when the mail server has taken it over */
  async send(mail: OutgoingMail): Promise<SendFailure | undefined> {
    const { from } = this.#config
    this.#transport ??= createTransport(this.#config)
    const transport = await this.#transport
    const domain = from.address.slice(from.address.lastIndexOf("@") + 1)
    try {
      await transport.sendMail({
        from: { address: from.address, name: from.name },
        to: { address: mail.to, name: "" },
        subject: mail.subject,
        text: mail.text,
        messageId: `<${mail.id}@${domain}>`,
        envelope: { from: from.address, to: [mail.to] },
        headers: { "Auto-Submitted": "auto-generated" },
        disableFileAccess: true,
        disableUrlAccess: true,
      })
      return undefined
    } catch (error) {
      return judgeFailure(error as SmtpError)
    }
  }
}

async function createTransport(config: MailConfig): Promise<Transporter> {
  const { createTransport: create } = await import("nodemailer")
  const { host, port, login, tls, caPem: ca } = config
  return create({
    host,
    port,
    secure: port === 465,
    requireTLS: tls === "required" && port !== 465,
    ignoreTLS: tls === "never",
    tls: { rejectUnauthorized: config.isCertificateChecked, ...(ca === undefined ? {} : { ca }) },
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(login === undefined ? {} : { auth: { user: login.username, pass: login.password.reveal() } }),
  })
}
