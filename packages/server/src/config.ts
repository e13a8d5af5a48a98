/**
 * The server's configuration: environment (and `*_FILE` for secrets) -> checked -> frozen. All problems are reported
 * together, each with the variable's name and what is expected, never with what was found.
 */
import { readFileSync } from "node:fs"
import { z } from "zod"
import { type EdgeConfig, edgeConfigOf, headerList, originList, rateList } from "./edge-config.ts"
import { type MailConfig, mailAddress, mailConfigOf, senderName } from "./mail-config.ts"
import { parseAddressRange } from "./network-address.ts"
import { Secret } from "./secret.ts"

export type Environment = Readonly<Record<string, string | undefined>>

export type ServerConfig = {
  readonly host: string
  readonly port: number
  readonly dataFolder: string
  readonly siteUrl: string | undefined
  readonly logLevel: string
  /** PostgreSQL instead of the embedded database. */
  readonly connectionUri: Secret | undefined
  readonly rootCertificatePem: string | undefined
  readonly maxConnections: number | undefined
  readonly rootEncryptionKey: Secret | undefined
  readonly encryptionKey: Secret | undefined
  readonly rootKeyFile: string | undefined
  readonly authSecret: Secret | undefined
  readonly trustedProxies: readonly string[]
  readonly tokenCeilingSeconds: number
  readonly isBootstrapOpen: boolean
  /** True when people reach the server over https: its cookies are sent over nothing else. */
  readonly isHttps: boolean
  readonly sessionLifetimes: { readonly sessionSeconds: number; readonly commandLineTokenSeconds: number }
  /** Whether the server may connect to configured addresses that are not public: webhooks, key sets, streams. */
  readonly allowInternalConnections: boolean
  readonly edge: EdgeConfig
  /** How mails are sent; `undefined` when they are not. */
  readonly mail: MailConfig | undefined
  /** Files and standard output that the audit log is published to; no request can name one. */
  readonly auditStreamFile: string | undefined
  readonly hasAuditStreamOutput: boolean
  /** What the operator of the server should look at, such as variables that nothing reads. */
  readonly warnings: readonly string[]
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`)
    this.problems = problems
  }
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

/** Every variable that the server reads; the first name of a list wins over the others. */
const variables = {
  host: ["COFFER_HOST", "HOST"],
  port: ["COFFER_PORT", "PORT"],
  dataFolder: ["COFFER_DATA_DIR"],
  siteUrl: ["COFFER_SITE_URL", "SITE_URL"],
  logLevel: ["COFFER_LOG_LEVEL", "LOG_LEVEL"],
  connectionUri: ["DB_CONNECTION_URI"],
  rootCertificate: ["DB_ROOT_CERT"],
  maxDatabaseConnections: ["COFFER_DB_MAX_CONNECTIONS"],
  rootEncryptionKey: ["ROOT_ENCRYPTION_KEY"],
  encryptionKey: ["ENCRYPTION_KEY"],
  rootKeyFile: ["COFFER_ROOT_KEY_FILE"],
  authSecret: ["AUTH_SECRET"],
  trustedProxies: ["TRUSTED_PROXY_CIDRS"],
  tokenCeiling: ["MAX_MACHINE_IDENTITY_TOKEN_AGE"],
  isBootstrapOpen: ["COFFER_OPEN_BOOTSTRAP"],
  isHttps: ["HTTPS_ENABLED"],
  sessionLifetime: ["JWT_REFRESH_LIFETIME"],
  commandLineTokenLifetime: ["JWT_AUTH_LIFETIME"],
  auditStreamFile: ["COFFER_AUDIT_STREAM_FILE"],
  hasAuditStreamOutput: ["COFFER_AUDIT_STREAM_STDOUT"],
  allowInternalConnections: ["COFFER_ALLOW_INTERNAL_CONNECTIONS", "ALLOW_INTERNAL_IP_CONNECTIONS"],
  maxConnections: ["COFFER_MAX_CONNECTIONS"],
  corsOrigins: ["CORS_ALLOWED_ORIGINS"],
  corsHeaders: ["CORS_ALLOWED_HEADERS"],
  logsRequests: ["COFFER_LOG_REQUESTS"],
  rates: ["COFFER_RATE_LIMITS"],
  maxFailedLogins: ["COFFER_MAX_FAILED_LOGINS"],
  smtpHost: ["SMTP_HOST"],
  smtpPort: ["SMTP_PORT"],
  smtpUsername: ["SMTP_USERNAME"],
  smtpPassword: ["SMTP_PASSWORD"],
  smtpFromAddress: ["SMTP_FROM_ADDRESS"],
  smtpFromName: ["SMTP_FROM_NAME"],
  smtpRequireTls: ["SMTP_REQUIRE_TLS"],
  smtpIgnoreTls: ["SMTP_IGNORE_TLS"],
  smtpRejectUnauthorized: ["SMTP_TLS_REJECT_UNAUTHORIZED"],
  smtpCaCertificate: ["SMTP_CUSTOM_CA_CERT"],
} as const

const schemas = {
  host: z.string(),
  port: wholeNumber(0, 65_535),
  dataFolder: z.string(),
  siteUrl: url,
  logLevel: z.enum(logLevels, { error: `must be one of ${logLevels.join(", ")}` }),
  connectionUri: postgresUri.transform((text) => new Secret(text)),
  rootCertificate: certificate,
  maxDatabaseConnections: wholeNumber(4, 1_000),
  rootEncryptionKey: z.string().transform((text) => new Secret(text)),
  encryptionKey: z.string().transform((text) => new Secret(text)),
  rootKeyFile: z.string(),
  authSecret: z
    .string()
    .min(16, "must be at least 16 characters, better 32 random bytes in base64")
    .transform((text) => new Secret(text)),
  trustedProxies: ranges,
  tokenCeiling: duration,
  isBootstrapOpen: flag,
  isHttps: flag,
  sessionLifetime: lifetime,
  commandLineTokenLifetime: lifetime,
  auditStreamFile: z.string(),
  hasAuditStreamOutput: flag,
  allowInternalConnections: flag,
  maxConnections: wholeNumber(10, 1_000_000),
  corsOrigins: originList,
  corsHeaders: headerList,
  logsRequests: flag,
  rates: rateList,
  maxFailedLogins: wholeNumber(1, 1_000_000),
  smtpHost: z.string(),
  smtpPort: wholeNumber(1, 65_535),
  smtpUsername: z.string(),
  smtpPassword: z.string().transform((text) => new Secret(text)),
  smtpFromAddress: mailAddress,
  smtpFromName: senderName,
  smtpRequireTls: flag,
  smtpIgnoreTls: flag,
  smtpRejectUnauthorized: flag,
  smtpCaCertificate: certificate,
} satisfies Record<keyof typeof variables, z.ZodType>

type Options = { readonly [K in keyof typeof schemas]: z.output<(typeof schemas)[K]> | undefined }

const ninetyDaysSeconds = 7_776_000
const tenDaysSeconds = 864_000

/** How long people stay logged in. */
export const defaultLifetimes = {
  sessionSeconds: ninetyDaysSeconds,
  commandLineTokenSeconds: tenDaysSeconds,
} as const satisfies ServerConfig["sessionLifetimes"]

/**
 * Reads the configuration. Without any variable it is one that works on a laptop.
 *
 * @throws ConfigError naming every variable that is wrong
 */
export function readConfig(environment: Environment): ServerConfig {
  const problems: string[] = []
  const options = readOptions(environment, problems)
  const connectionUri = options.connectionUri ?? connectionUriFromParts(environment, problems)
  const mail = mailConfigOf(options, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 8080,
    dataFolder: options.dataFolder ?? "./coffer-data",
    siteUrl: options.siteUrl,
    logLevel: options.logLevel ?? "info",
    connectionUri,
    rootCertificatePem: options.rootCertificate,
    maxConnections: options.maxDatabaseConnections,
    rootEncryptionKey: options.rootEncryptionKey,
    encryptionKey: options.encryptionKey,
    rootKeyFile: options.rootKeyFile,
    authSecret: options.authSecret,
    trustedProxies: options.trustedProxies ?? [],
    tokenCeilingSeconds: options.tokenCeiling ?? ninetyDaysSeconds,
    isBootstrapOpen: options.isBootstrapOpen ?? false,
    isHttps: options.isHttps ?? options.siteUrl?.startsWith("https://") ?? false,
    sessionLifetimes: {
      sessionSeconds: options.sessionLifetime ?? defaultLifetimes.sessionSeconds,
      commandLineTokenSeconds: options.commandLineTokenLifetime ?? defaultLifetimes.commandLineTokenSeconds,
    },
    allowInternalConnections: options.allowInternalConnections ?? false,
    edge: edgeConfigOf(options),
    mail,
    auditStreamFile: options.auditStreamFile,
    hasAuditStreamOutput: options.hasAuditStreamOutput ?? false,
    warnings: warningsAbout(environment),
  })
}

function readOptions(environment: Environment, problems: string[]): Options {
  const entries = Object.entries(variables).map(([option, names]) => {
    const found = firstOf(environment, names, problems)
    if (found === undefined) return [option, undefined]
    const parsed = schemas[option as keyof typeof schemas].safeParse(found.text)
    if (parsed.success) return [option, parsed.data]
    problems.push(`${found.name} ${parsed.error.issues[0]?.message ?? "is not valid"}`)
    return [option, undefined]
  })
  return Object.fromEntries(entries) as Options
}

type Found = { readonly name: string; readonly text: string }

/** The first of the names that is set, directly or as `<NAME>_FILE`; empty means not set. */
function firstOf(environment: Environment, names: readonly string[], problems: string[]): Found | undefined {
  for (const name of names) {
    const text = environment[name]?.trim()
    const file = environment[`${name}_FILE`]?.trim()
    const isFileOption = Object.values(variables).some((known) => known.some((one) => one === `${name}_FILE`))
    if (text !== undefined && text !== "" && file !== undefined && file !== "" && !isFileOption) {
      problems.push(`${name} and ${name}_FILE must not be set together`)
      return undefined
    }
    if (text !== undefined && text !== "") return { name, text }
    if (file !== undefined && file !== "" && !isFileOption) return readFileOf(`${name}_FILE`, file, problems)
  }
  return undefined
}

function readFileOf(name: string, path: string, problems: string[]): Found | undefined {
  try {
    return { name, text: readFileSync(path, "utf8").trim() }
  } catch {
    // The reason (absent, a folder, no permission) is for whoever looks at the path.
    problems.push(`${name} must name a file that can be read`)
    return undefined
  }
}

const parts = ["DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"] as const

/** Infisical's other way to name the database. */
function connectionUriFromParts(environment: Environment, problems: string[]): Secret | undefined {
  const found = new Map(parts.map((name) => [name, firstOf(environment, [name], problems)?.text]))
  const host = found.get("DB_HOST")
  if (host === undefined) return undefined
  const missing = (["DB_USER", "DB_PASSWORD", "DB_NAME"] as const).filter((name) => !found.get(name))
  if (missing.length > 0) {
    problems.push(...missing.map((name) => `${name} must be set together with DB_HOST`))
    return undefined
  }
  const text = (name: (typeof parts)[number]) => encodeURIComponent(found.get(name) ?? "")
  const port = found.get("DB_PORT") ?? "5432"
  if (!/^\d{1,5}$/.test(port)) {
    problems.push("DB_PORT must be a port number")
    return undefined
  }
  return new Secret(`postgres://${text("DB_USER")}:${text("DB_PASSWORD")}@${host}:${port}/${text("DB_NAME")}`)
}

/** Variables of the command line that share our prefix. */
const clientVariables = new Set([
  "COFFER_DOMAIN",
  "COFFER_API_URL",
  "COFFER_TOKEN",
  "COFFER_UNIVERSAL_AUTH_CLIENT_ID",
  "COFFER_UNIVERSAL_AUTH_CLIENT_SECRET",
  "COFFER_PROJECT_ID",
  "COFFER_ENVIRONMENT",
  "COFFER_SECRET_PATH",
  "COFFER_EMAIL",
  "COFFER_PASSWORD",
  "COFFER_ADMIN_EMAIL",
  "COFFER_ADMIN_PASSWORD",
  "COFFER_ADMIN_ORGANIZATION",
  "COFFER_SETUP_TOKEN",
])

function warningsAbout(environment: Environment): readonly string[] {
  const known = new Set<string>(Object.values(variables).flat())
  const isKnown = (name: string) => known.has(name) || clientVariables.has(name)
  return Object.keys(environment)
    .filter((name) => name.startsWith("COFFER_"))
    .filter((name) => !isKnown(name) && !isKnown(name.replace(/_FILE$/, "")))
    .sort()
    .map((name) => `${name} is set, but nothing reads it`)
}
