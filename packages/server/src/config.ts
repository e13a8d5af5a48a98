/**
 * The server's configuration: environment (and `*_FILE` for secrets) -> checked -> frozen. All problems are reported
 * together, each with the variable's name and what is expected, never with what was found.
 */
import { type EdgeConfig, edgeConfigOf } from "./edge-config.ts"
import { type MailConfig, mailConfigOf } from "./mail-config.ts"
import { isNamedIn } from "./problems.ts"
import { type Environment, readOptions } from "./read-settings.ts"
import { Secret } from "./secret.ts"
import { type Options, settings } from "./settings.ts"

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
  const connectionUri = options.connectionUri ?? connectionUriFromParts(options, problems)
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

/** Infisical's other way to name the database. */
function connectionUriFromParts(options: Options, problems: string[]): Secret | undefined {
  const { databaseHost: host, databasePort: port = 5_432 } = options
  const { databaseUser: user, databasePassword: password, databaseName: name } = options
  if (host === undefined) return undefined
  const mustBeSet = (variable: string, value: unknown) => {
    if (value !== undefined || isNamedIn(problems, variable)) return
    problems.push(`${variable} must be set together with DB_HOST`)
  }
  mustBeSet("DB_USER", user)
  mustBeSet("DB_PASSWORD", password)
  mustBeSet("DB_NAME", name)
  if (user === undefined || password === undefined || name === undefined) return undefined
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password.reveal())}`
  return new Secret(`postgres://${login}@${host}:${port}/${encodeURIComponent(name)}`)
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
  const known = new Set<string>(Object.values(settings).flatMap(({ names }) => names))
  const isKnown = (name: string) => known.has(name) || clientVariables.has(name)
  return Object.keys(environment)
    .filter((name) => name.startsWith("COFFER_"))
    .filter((name) => !isKnown(name) && !isKnown(name.replace(/_FILE$/, "")))
    .sort()
    .map((name) => `${name} is set, but nothing reads it`)
}
