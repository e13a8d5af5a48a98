/** A mail server in a process of its own, for tests: tells its parent of every mail that it was given. */
import { SMTPServer, type SMTPServerOptions } from "smtp-server"

export type SmtpSettings = {
  /** 0: any free port. */
  readonly port: number
  readonly login?: { readonly username: string; readonly password: string }
  /** Whether STARTTLS is offered, with a certificate that nobody trusts. */
  readonly hasTls: boolean
  /** Recipients that are refused for good. */
  readonly refused?: readonly string[]
  /** Recipients that are refused for now. */
  readonly deferred?: readonly string[]
  /** Takes this many mails without ever saying so: the connection breaks instead of an answer. */
  readonly breakAfterData?: number
}

export type ReceivedMail = {
  readonly from: string
  readonly to: readonly string[]
  /** As it came over the wire. */
  readonly raw: string
  readonly isEncrypted: boolean
  readonly user: string | null
}

export type FromSmtp =
  | { readonly kind: "ready"; readonly port: number }
  | { readonly kind: "mail"; readonly mail: ReceivedMail }
  | { readonly kind: "refused-login" }

function tell(message: FromSmtp): void {
  process.send?.(message)
}

function refusal(code: number): Error {
  return Object.assign(new Error("no"), { responseCode: code })
}

function start(settings: SmtpSettings): void {
  let left = settings.breakAfterData ?? 0
  const options: SMTPServerOptions = {
    authOptional: settings.login === undefined,
    disabledCommands: [...(settings.hasTls ? [] : ["STARTTLS"]), ...(settings.login ? [] : ["AUTH"])],
    allowInsecureAuth: false,
    onAuth: (auth, _session, callback) => {
      const { login } = settings
      if (auth.username === login?.username && auth.password === login?.password) {
        return callback(null, { user: auth.username })
      }
      tell({ kind: "refused-login" })
      callback(refusal(535))
    },
    onRcptTo: ({ address }, _session, callback) => {
      if (settings.refused?.includes(address)) return callback(refusal(550))
      if (settings.deferred?.includes(address)) return callback(refusal(451))
      callback()
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = []
      stream.on("data", (chunk: Buffer) => chunks.push(chunk))
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope
        const mail = {
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString("utf8"),
          isEncrypted: session.secure,
          user: session.user ?? null,
        }
        tell({ kind: "mail", mail })
        if (left > 0) {
          left -= 1
          for (const connection of server.connections) (connection as unknown as Breakable)._socket.destroy()
          return
        }
        callback()
      })
    },
  }
  const server = new SMTPServer(options)
  server.on("error", () => undefined)
  server.listen(settings.port, "127.0.0.1", () => {
    const address = server.server.address()
    tell({ kind: "ready", port: typeof address === "object" && address !== null ? address.port : 0 })
  })
}

/** The library has no word for it. */
type Breakable = { readonly _socket: { destroy(): void } }

process.once("message", (settings: SmtpSettings) => start(settings))
process.once("disconnect", () => process.exit(0))
