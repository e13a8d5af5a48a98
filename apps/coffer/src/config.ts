/**
 * The environment, read once. The only module of the command that knows variable names; `COFFER_*` wins
 * over Infisical's name for the same thing, and `<NAME>_FILE` names a file that holds the value.
 */
import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { SecretText } from "./secret-text.ts"
import { unreadableFile } from "./unreadable-file.ts"

export type Environment = Readonly<Record<string, string | undefined>>

export type CommandConfig = {
  /** Address of the server, as the user wrote it. */
  readonly domain: string | undefined
  readonly token: SecretText | undefined
  readonly clientId: string | undefined
  readonly clientSecret: SecretText | undefined
  readonly projectId: string | undefined
  readonly environmentSlug: string | undefined
  readonly secretPath: string | undefined
  /** Of a person who logs in. */
  readonly email: string | undefined
  readonly password: SecretText | undefined
  /** Of a second factor, for one login. */
  readonly loginCode: SecretText | undefined
  readonly adminEmail: string | undefined
  readonly adminPassword: SecretText | undefined
  readonly adminOrganization: string | undefined
  readonly setupToken: SecretText | undefined
  /** Locks and opens archives of projects. */
  readonly archivePassphrase: SecretText | undefined
  readonly credentialsFile: string
  /** The whole environment, for the parts that read their own (`server`, `operator`). */
  readonly environment: Environment
}

/** Variable names in order of precedence. */
const names = {
  domain: ["COFFER_DOMAIN", "COFFER_API_URL", "INFISICAL_DOMAIN", "INFISICAL_API_URL"],
  token: ["COFFER_TOKEN", "INFISICAL_TOKEN", "INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN"],
  clientId: ["COFFER_UNIVERSAL_AUTH_CLIENT_ID", "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"],
  clientSecret: ["COFFER_UNIVERSAL_AUTH_CLIENT_SECRET", "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"],
  projectId: ["COFFER_PROJECT_ID", "INFISICAL_PROJECT_ID"],
  environmentSlug: ["COFFER_ENVIRONMENT", "INFISICAL_ENVIRONMENT"],
  secretPath: ["COFFER_SECRET_PATH", "INFISICAL_SECRET_PATH"],
  email: ["COFFER_EMAIL", "INFISICAL_EMAIL"],
  password: ["COFFER_PASSWORD", "INFISICAL_PASSWORD"],
  loginCode: ["COFFER_LOGIN_CODE"],
  adminEmail: ["COFFER_ADMIN_EMAIL", "INFISICAL_ADMIN_EMAIL"],
  adminPassword: ["COFFER_ADMIN_PASSWORD", "INFISICAL_ADMIN_PASSWORD"],
  adminOrganization: ["COFFER_ADMIN_ORGANIZATION", "INFISICAL_ADMIN_ORGANIZATION"],
  setupToken: ["COFFER_SETUP_TOKEN"],
  archivePassphrase: ["COFFER_ARCHIVE_PASSPHRASE"],
} as const

/** @throws CommandError "invalid" when a `*_FILE` variable names a file that cannot be read */
export function readConfig(environment: Environment = process.env): CommandConfig {
  const text = (candidates: readonly string[]) => findText(environment, candidates)
  const secret = (candidates: readonly string[]) => {
    const found = text(candidates)
    return found === undefined ? undefined : new SecretText(found)
  }
  return Object.freeze({
    domain: text(names.domain),
    token: secret(names.token),
    clientId: text(names.clientId),
    clientSecret: secret(names.clientSecret),
    projectId: text(names.projectId),
    environmentSlug: text(names.environmentSlug),
    secretPath: text(names.secretPath),
    email: text(names.email),
    password: secret(names.password),
    loginCode: secret(names.loginCode),
    adminEmail: text(names.adminEmail),
    adminPassword: secret(names.adminPassword),
    adminOrganization: text(names.adminOrganization),
    setupToken: secret(names.setupToken),
    archivePassphrase: secret(names.archivePassphrase),
    credentialsFile: join(configFolder(environment), "coffer", "credentials.json"),
    environment,
  })
}

/** Where Node keeps compiled modules between runs. */
export function compileCacheFolder(environment: Environment = process.env): string {
  const folder = environment["XDG_CACHE_HOME"]
  const base = folder?.startsWith("/") ? folder : join(environment["HOME"] || homedir(), ".cache")
  return join(base, "coffer", "compile")
}

function findText(environment: Environment, candidates: readonly string[]): string | undefined {
  for (const name of candidates) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== "") return value
    const file = environment[`${name}_FILE`]?.trim()
    if (file !== undefined && file !== "") return readValueFile(`${name}_FILE`, file)
  }
  return undefined
}

function readValueFile(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8").trim()
  } catch (cause) {
    throw unreadableFile(`${name}: ${file}`, cause)
  }
}

function configFolder(environment: Environment): string {
  const folder = environment["XDG_CONFIG_HOME"]
  return folder?.startsWith("/") ? folder : join(environment["HOME"] || homedir(), ".config")
}
