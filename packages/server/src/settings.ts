/**
 * Every setting of the server: the variables that name it, how they are read, and what the reference says of it
 * (`docs/configuration.md`, which is generated from here).
 */
import { z } from "zod"
import { headerList, originList, rateList } from "./edge-config.ts"
import { mailAddress, senderName } from "./mail-config.ts"
import { parseAddressRange } from "./network-address.ts"
import { Secret } from "./secret.ts"

export type SettingGroup =
  | "Server"
  | "Database"
  | "Keys"
  | "Logins and tokens"
  | "The edge"
  | "Audit log"
  | "Mail"

export type Setting = {
  /** The first wins over the others. */
  readonly names: readonly [string, ...string[]]
  readonly group: SettingGroup
  readonly schema: z.ZodType
  /** One sentence, for the reference. */
  readonly about: string
  /** What counts when no variable is set, as people write it; absent when nothing does. */
  readonly fallback?: string
  /** True when what it says is shown to nobody. */
  readonly isSecret?: true
}

const secondsPerUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

const duration = z
  .string()
  .regex(/^\d{1,9}[smhd]?$/, "must be a duration such as 90d, 12h, 30m or 60s; 0 means no ceiling")
  .transform((text) => Number.parseInt(text, 10) * (secondsPerUnit[text.at(-1) ?? ""] ?? 1))

const lifetime = duration.refine(
  (seconds) => seconds >= 60,
  "must be a duration of at least 60s, such as 90d",
)

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
      `must be a whole number from ${min} to ${max}`,
    )
    .transform(Number)

const flag = z
  .enum(["true", "false", "1", "0"], { error: "must be true or false" })
  .transform((text) => text === "true" || text === "1")

const ranges = z
  .string()
  .transform((text) =>
    text
      .split(",")
      .map((range) => range.trim())
      .filter((range) => range !== ""),
  )
  .refine(
    (list) => list.every((range) => parseAddressRange(range) !== undefined),
    "must be a comma-separated list of IP addresses and CIDR ranges",
  )

const url = z
  .url({ protocol: /^https?$/, error: "must be an absolute http or https URL" })
  .transform((text) => text.replace(/\/+$/, ""))
const postgresUri = z
  .string()
  .regex(
    /^postgres(ql)?:\/\//,
    "must be a PostgreSQL connection URI: postgres://user:password@host:5432/name",
  )
const certificate = z
  .string()
  .transform((text) => Buffer.from(text, "base64").toString("utf8"))
  .refine((pem) => pem.includes("-----BEGIN CERTIFICATE-----"), "must be a PEM certificate in base64")
const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"]
const secretText = z.string().transform((text) => new Secret(text))

export const settings = {
  host: {
    names: ["COFFER_HOST", "HOST"],
    group: "Server",
    schema: z.string(),
    about: "Address to listen on; `0.0.0.0` for all of the machine.",
    fallback: "127.0.0.1",
  },
  port: {
    names: ["COFFER_PORT", "PORT"],
    group: "Server",
    schema: wholeNumber(0, 65_535),
    about: "Port to listen on; 0 takes a free one.",
    fallback: "8080",
  },
  siteUrl: {
    names: ["COFFER_SITE_URL", "SITE_URL"],
    group: "Server",
    schema: url,
    about: "Where people reach the server: links in mails, passkeys and single sign-on need it.",
  },
  dataFolder: {
    names: ["COFFER_DATA_DIR"],
    group: "Server",
    schema: z.string(),
    about: "Folder of the embedded database and of the root key.",
    fallback: "./coffer-data",
  },
  logLevel: {
    names: ["COFFER_LOG_LEVEL", "LOG_LEVEL"],
    group: "Server",
    schema: z.enum(logLevels, { error: `must be one of ${logLevels.join(", ")}` }),
    about: `Least level that is logged: ${logLevels.join(", ")}.`,
    fallback: "info",
  },
  isBootstrapOpen: {
    names: ["COFFER_OPEN_BOOTSTRAP"],
    group: "Server",
    schema: flag,
    about:
      "Lets the first caller bootstrap from anywhere without the setup token; for networks where all are trusted.",
    fallback: "false",
  },
  connectionUri: {
    names: ["DB_CONNECTION_URI"],
    group: "Database",
    schema: postgresUri.transform((text) => new Secret(text)),
    isSecret: true,
    about: "PostgreSQL (15 or newer) instead of the embedded database.",
  },
  databaseHost: {
    names: ["DB_HOST"],
    group: "Database",
    schema: z.string(),
    about:
      "PostgreSQL in parts, where no `DB_CONNECTION_URI` is set; needs the user, the password and the name as well.",
  },
  databasePort: {
    names: ["DB_PORT"],
    group: "Database",
    schema: wholeNumber(1, 65_535),
    about: "Port of `DB_HOST`.",
    fallback: "5432",
  },
  databaseUser: { names: ["DB_USER"], group: "Database", schema: z.string(), about: "User at `DB_HOST`." },
  databasePassword: {
    names: ["DB_PASSWORD"],
    group: "Database",
    schema: secretText,
    isSecret: true,
    about: "Password at `DB_HOST`.",
  },
  databaseName: {
    names: ["DB_NAME"],
    group: "Database",
    schema: z.string(),
    about: "Database at `DB_HOST`.",
  },
  rootCertificate: {
    names: ["DB_ROOT_CERT"],
    group: "Database",
    schema: certificate,
    about: "Authority of PostgreSQL's certificate, as PEM in base64.",
  },
  maxDatabaseConnections: {
    names: ["COFFER_DB_MAX_CONNECTIONS"],
    group: "Database",
    schema: wholeNumber(4, 1_000),
    about: "Most connections that one process opens to PostgreSQL; 18 without it.",
  },
  rootEncryptionKey: {
    names: ["ROOT_ENCRYPTION_KEY"],
    group: "Keys",
    schema: secretText,
    isSecret: true,
    about: "Root key: 32 bytes in base64. Without any of these three one is made in the data folder.",
  },
  encryptionKey: {
    names: ["ENCRYPTION_KEY"],
    group: "Keys",
    schema: secretText,
    isSecret: true,
    about: "Root key as Infisical has it: 32 hexadecimal digits.",
  },
  rootKeyFile: {
    names: ["COFFER_ROOT_KEY_FILE"],
    group: "Keys",
    schema: z.string(),
    about: "File that holds the root key, in place of the one in the data folder.",
  },
  authSecret: {
    names: ["AUTH_SECRET"],
    group: "Keys",
    schema: z
      .string()
      .min(16, "must be at least 16 characters, better 32 random bytes in base64")
      .transform((text) => new Secret(text)),
    isSecret: true,
    about:
      "Signs tokens in place of a key of the keyring, so that servers with other keyrings take them too.",
  },
  tokenCeiling: {
    names: ["MAX_MACHINE_IDENTITY_TOKEN_AGE"],
    group: "Logins and tokens",
    schema: duration,
    about: "Longest life of a machine's token, renewals included; 0 for no ceiling.",
    fallback: "90d",
  },
  sessionLifetime: {
    names: ["JWT_REFRESH_LIFETIME"],
    group: "Logins and tokens",
    schema: lifetime,
    about: "How long a person stays logged in.",
    fallback: "90d",
  },
  commandLineTokenLifetime: {
    names: ["JWT_AUTH_LIFETIME"],
    group: "Logins and tokens",
    schema: lifetime,
    about: "How long the login of a command line lasts.",
    fallback: "10d",
  },
  maxFailedLogins: {
    names: ["COFFER_MAX_FAILED_LOGINS"],
    group: "Logins and tokens",
    schema: wholeNumber(1, 1_000_000),
    about: "Failed logins per source address and minute; there is no way to have no limit.",
    fallback: "120",
  },
  isHttps: {
    names: ["HTTPS_ENABLED"],
    group: "The edge",
    schema: flag,
    about: "Whether people reach the server over https: cookies are sent over nothing else.",
    fallback: "as the scheme of `SITE_URL`",
  },
  trustedProxies: {
    names: ["TRUSTED_PROXY_CIDRS"],
    group: "The edge",
    schema: ranges,
    about: "Proxies whose `X-Forwarded-For` is believed: addresses and ranges, separated by commas.",
  },
  allowInternalConnections: {
    names: ["COFFER_ALLOW_INTERNAL_CONNECTIONS", "ALLOW_INTERNAL_IP_CONNECTIONS"],
    group: "The edge",
    schema: flag,
    about:
      "Lets webhooks, key sets, audit streams and Kubernetes API servers that no administrator named reach loopback and private addresses.",
    fallback: "false",
  },
  maxConnections: {
    names: ["COFFER_MAX_CONNECTIONS"],
    group: "The edge",
    schema: wholeNumber(10, 1_000_000),
    about: "Most connections at once; further ones are closed.",
    fallback: "10000",
  },
  corsOrigins: {
    names: ["CORS_ALLOWED_ORIGINS"],
    group: "The edge",
    schema: originList,
    about: "Origins of other sites whose pages may read answers, separated by commas or as a JSON array.",
  },
  corsHeaders: {
    names: ["CORS_ALLOWED_HEADERS"],
    group: "The edge",
    schema: headerList,
    about: "Headers that those pages may send.",
  },
  logsRequests: {
    names: ["COFFER_LOG_REQUESTS"],
    group: "The edge",
    schema: flag,
    about: "Logs a line for every request, not only for refusals and failures.",
    fallback: "false",
  },
  rates: {
    names: ["COFFER_RATE_LIMITS"],
    group: "The edge",
    schema: rateList,
    about:
      "Requests per caller and minute: `on`, `off`, or numbers such as `read=600,write=200`; see [limits](limits.md).",
    fallback: "off",
  },
  auditStreamFile: {
    names: ["COFFER_AUDIT_STREAM_FILE"],
    group: "Audit log",
    schema: z.string(),
    about: "File that the audit log is published to, a line of JSON per event.",
  },
  hasAuditStreamOutput: {
    names: ["COFFER_AUDIT_STREAM_STDOUT"],
    group: "Audit log",
    schema: flag,
    about: "Publishes the audit log to standard output as well.",
    fallback: "false",
  },
  smtpHost: {
    names: ["SMTP_HOST"],
    group: "Mail",
    schema: z.string(),
    about: "Mail server; without it no mail is sent. Needs `SMTP_FROM_ADDRESS` and `SITE_URL`.",
  },
  smtpPort: {
    names: ["SMTP_PORT"],
    group: "Mail",
    schema: wholeNumber(1, 65_535),
    about: "Port of the mail server; 465 speaks TLS from the beginning.",
    fallback: "587",
  },
  smtpUsername: {
    names: ["SMTP_USERNAME"],
    group: "Mail",
    schema: z.string(),
    about: "User name at the mail server.",
  },
  smtpPassword: {
    names: ["SMTP_PASSWORD"],
    group: "Mail",
    schema: secretText,
    isSecret: true,
    about: "Password at the mail server.",
  },
  smtpFromAddress: {
    names: ["SMTP_FROM_ADDRESS"],
    group: "Mail",
    schema: mailAddress,
    about: "Address that mails come from.",
  },
  smtpFromName: {
    names: ["SMTP_FROM_NAME"],
    group: "Mail",
    schema: senderName,
    about: "Name that mails come from.",
    fallback: "Coffer",
  },
  smtpRequireTls: {
    names: ["SMTP_REQUIRE_TLS"],
    group: "Mail",
    schema: flag,
    about: "Sends nothing in clear; `false` uses TLS where it is offered.",
    fallback: "true",
  },
  smtpIgnoreTls: {
    names: ["SMTP_IGNORE_TLS"],
    group: "Mail",
    schema: flag,
    about: "Never uses TLS.",
    fallback: "false",
  },
  smtpRejectUnauthorized: {
    names: ["SMTP_TLS_REJECT_UNAUTHORIZED"],
    group: "Mail",
    schema: flag,
    about: "Checks the certificate of the mail server.",
    fallback: "true",
  },
  smtpCaCertificate: {
    names: ["SMTP_CUSTOM_CA_CERT"],
    group: "Mail",
    schema: certificate,
    about:
      "Authority of the mail server's certificate, as PEM in base64; in place of those that the system trusts.",
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings
export type Options = { readonly [K in SettingName]: z.output<(typeof settings)[K]["schema"]> | undefined }
