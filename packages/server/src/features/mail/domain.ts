/** What a mail may look like, and what a failure to send it means. Pure. */

/** Control characters, and the separators that some programs take for the end of a line. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]+/gu

/** A name in a form that cannot begin another line or header, or turn the direction of what follows. */
export function oneLine(text: string, maxLength = 200): string {
  const line = text.replace(unprintable, " ").trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`
}

/** One plain address: no name, no list, nothing quoted. The library would understand more than we want it to. */
export function isPlainAddress(text: string): boolean {
  return (
    text.length <= 320 && /^[^\s\p{Cc}\p{Cf}<>()[\],;:\\"@]+@[^\s\p{Cc}\p{Cf}<>()[\],;:\\"@]+$/u.test(text)
  )
}

export type SendFailure =
  /** The mail server could not be reached, or does not take anything from us: it concerns all mails. */
  | { readonly kind: "server"; readonly reason: string }
  /** This mail was refused, perhaps not for ever. */
  | { readonly kind: "later"; readonly reason: string }
  /** This mail will never be taken. */
  | { readonly kind: "refused"; readonly reason: string }

/** The facts of an error that an SMTP client threw. */
export type SmtpError = {
  readonly code?: string | undefined
  readonly responseCode?: number | undefined
  readonly command?: string | undefined
}

const aboutOneMail = /^(RCPT TO|DATA|MAIL FROM)/

/** The reason names no address and repeats nothing of what the mail server said. */
export function judgeFailure({ code, responseCode, command = "" }: SmtpError): SendFailure {
  const status = responseCode === undefined ? "" : ` (${responseCode})`
  if (code === "EAUTH") return { kind: "server", reason: `the mail server refused the login${status}` }
  if (code === "ETLS") return { kind: "server", reason: "no encrypted connection to the mail server" }
  if (responseCode !== undefined && aboutOneMail.test(command)) {
    const kind = responseCode >= 500 && command !== "MAIL FROM" ? "refused" : "later"
    return { kind, reason: `the mail server refused the mail at ${command}${status}` }
  }
  return { kind: "server", reason: `the mail server can't be used: ${code ?? "unknown"}${status}` }
}
