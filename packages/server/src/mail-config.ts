/** The settings of mail, with Infisical's names of the variables. */
import { z } from "zod"
import { isNamedIn } from "./problems.ts"
import type { Secret } from "./secret.ts"

export type MailConfig = {
  readonly host: string
  /** 465 speaks TLS from the beginning, any other begins in clear and changes over with STARTTLS. */
  readonly port: number
  readonly login: { readonly username: string; readonly password: Secret } | undefined
  readonly from: { readonly address: string; readonly name: string }
  /** "required" (the default): nothing is sent in clear; "if-offered"; "never". */
  readonly tls: "required" | "if-offered" | "never"
  /** False: any certificate will do, so whoever stands between may read the mails. */
  readonly isCertificateChecked: boolean
  /** PEM; instead of the authorities that the system trusts. */
  readonly caPem: string | undefined
}

export const mailAddress = z.email(
  "must be an e-mail address alone, such as coffer@example.com; a name goes into SMTP_FROM_NAME",
)

export const senderName = z
  .string()
  .max(100)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  .regex(/^[^\u0000-\u001f\u007f<>"]*$/, "must not contain control characters, quotes or angle brackets")

type Options = {
  readonly siteUrl: string | undefined
  readonly smtpHost: string | undefined
  readonly smtpPort: number | undefined
  readonly smtpUsername: string | undefined
  readonly smtpPassword: Secret | undefined
  readonly smtpFromAddress: string | undefined
  readonly smtpFromName: string | undefined
  readonly smtpRequireTls: boolean | undefined
  readonly smtpIgnoreTls: boolean | undefined
  readonly smtpRejectUnauthorized: boolean | undefined
  readonly smtpCaCertificate: string | undefined
}

/** `undefined` when no mail server is named; what does not fit together is added to `problems`. */
export function mailConfigOf(options: Options, problems: string[]): MailConfig | undefined {
  const { smtpHost: host, smtpUsername: username, smtpPassword: password } = options
  if (host === undefined) return undefined
  if (options.smtpFromAddress === undefined && !isNamedIn(problems, "SMTP_FROM_ADDRESS")) {
    problems.push(
      "SMTP_FROM_ADDRESS is missing: SMTP_HOST needs the address that mails come from, such as coffer@example.com",
    )
  }
  if (options.siteUrl === undefined && !isNamedIn(problems, "SITE_URL", "COFFER_SITE_URL")) {
    problems.push(
      "SITE_URL is missing: SMTP_HOST needs the address of this server for the links in mails, such as https://coffer.example.com",
    )
  }
  const isLoginNamed = isNamedIn(problems, "SMTP_USERNAME", "SMTP_PASSWORD")
  if ((username === undefined) !== (password === undefined) && !isLoginNamed) {
    problems.push("SMTP_USERNAME and SMTP_PASSWORD must be set together")
  }
  if (options.smtpIgnoreTls === true && options.smtpRequireTls === true) {
    problems.push("SMTP_IGNORE_TLS and SMTP_REQUIRE_TLS must not both be true")
  }
  return {
    host,
    port: options.smtpPort ?? 587,
    login: username === undefined || password === undefined ? undefined : { username, password },
    from: { address: options.smtpFromAddress ?? "", name: options.smtpFromName ?? "Coffer" },
    tls: tlsOf(options),
    isCertificateChecked: options.smtpRejectUnauthorized ?? true,
    caPem: options.smtpCaCertificate,
  }
}

function tlsOf(options: Options): MailConfig["tls"] {
  if (options.smtpIgnoreTls === true) return "never"
  return options.smtpRequireTls === false ? "if-offered" : "required"
}
