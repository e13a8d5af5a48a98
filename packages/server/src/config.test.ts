import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { afterEach, describe, expect, it } from "vitest"
import { ConfigError, readConfig } from "./config.ts"
import type { Environment } from "./read-settings.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function aFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-config-"))
  folders.push(folder)
  const path = join(folder, "secret")
  writeFileSync(path, text)
  return path
}

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe("configuration", () => {
  it("without any variable works on a laptop, on loopback", () => {
    expect(readConfig({})).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      dataFolder: "./coffer-data",
      tokenCeilingSeconds: 7_776_000,
      trustedProxies: [],
      isBootstrapOpen: false,
      warnings: [],
    })
    expect(Object.isFrozen(readConfig({}))).toBe(true)
  })

  it("understands Infisical's names; ours win", () => {
    const config = readConfig({
      PORT: "4000",
      COFFER_PORT: "4001",
      HOST: "0.0.0.0",
      SITE_URL: "https://secrets.acme.test/",
      DB_CONNECTION_URI: "postgres://u:p@db/coffer",
      ENCRYPTION_KEY: "0".repeat(32),
      AUTH_SECRET: "a".repeat(44),
      TRUSTED_PROXY_CIDRS: "10.0.0.0/8, fd00::/8",
      MAX_MACHINE_IDENTITY_TOKEN_AGE: "30d",
    })
    expect(config).toMatchObject({
      port: 4001,
      host: "0.0.0.0",
      siteUrl: "https://secrets.acme.test",
      trustedProxies: ["10.0.0.0/8", "fd00::/8"],
      tokenCeilingSeconds: 2_592_000,
    })
    expect(config.connectionUri?.reveal()).toBe("postgres://u:p@db/coffer")
    expect(inspect(config, { depth: null })).not.toContain("u:p@db")
    expect(JSON.stringify(config)).not.toContain("aaaa")
  })

  it("counts no requests and lets no other origin in, unless told to", () => {
    expect(readConfig({}).edge).toEqual({
      isHttpsOnly: false,
      maxConnections: 10_000,
      crossOrigin: undefined,
      logsRequests: false,
      rates: undefined,
      maxFailedLogins: 120,
    })
    const { edge } = readConfig({
      SITE_URL: "https://secrets.acme.test",
      CORS_ALLOWED_ORIGINS: '["https://a.acme.test","http://localhost:5173"]',
      CORS_ALLOWED_HEADERS: "authorization, content-type",
      COFFER_RATE_LIMITS: "read=600, secrets=1200",
      COFFER_LOG_REQUESTS: "true",
    })
    expect(edge).toMatchObject({
      isHttpsOnly: true,
      logsRequests: true,
      crossOrigin: {
        origins: ["https://a.acme.test", "http://localhost:5173"],
        headers: ["authorization", "content-type"],
      },
      rates: { read: 600, write: 90, secrets: 1_200, identities: 30, projects: 30 },
    })
    expect(readConfig({ COFFER_RATE_LIMITS: "on" }).edge.rates).toMatchObject({ read: 200 })
    expect(readConfig({ COFFER_RATE_LIMITS: "off" }).edge.rates).toBeUndefined()
  })

  it.for([
    { CORS_ALLOWED_ORIGINS: "*" },
    { CORS_ALLOWED_ORIGINS: "https://a.acme.test/" },
    { CORS_ALLOWED_ORIGINS: "null" },
    { CORS_ALLOWED_ORIGINS: '["https://a.acme.test"' },
    { CORS_ALLOWED_HEADERS: "a b" },
    { COFFER_RATE_LIMITS: "read=0" },
    { COFFER_RATE_LIMITS: "login=5" },
    { COFFER_RATE_LIMITS: "sEcReT" },
    { COFFER_MAX_FAILED_LOGINS: "0" },
    { COFFER_MAX_CONNECTIONS: "1" },
  ])("%o is refused by its name", (environment) => {
    const problems = problemsOf(environment)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${Object.keys(environment)[0]} must be `))
    expect(problems[0]).not.toContain("sEcReT")
  })

  it("puts PostgreSQL's address together from its parts", () => {
    const parts = { DB_HOST: "db", DB_USER: "co ffer", DB_PASSWORD: "p@ss/word", DB_NAME: "coffer" }
    expect(readConfig(parts).connectionUri?.reveal()).toBe(
      "postgres://co%20ffer:p%40ss%2Fword@db:5432/coffer",
    )
    expect(problemsOf({ DB_HOST: "db" })).toEqual([
      "DB_USER must be set together with DB_HOST",
      "DB_PASSWORD must be set together with DB_HOST",
      "DB_NAME must be set together with DB_HOST",
    ])
  })

  it("reads secrets from files, and refuses both at once", () => {
    const file = aFile("postgres://from-file/db\n")
    expect(readConfig({ DB_CONNECTION_URI_FILE: file }).connectionUri?.reveal()).toBe(
      "postgres://from-file/db",
    )
    expect(problemsOf({ DB_CONNECTION_URI_FILE: "/nowhere/at/all" })).toEqual([
      "DB_CONNECTION_URI_FILE must name a file that can be read",
    ])
    expect(problemsOf({ DB_CONNECTION_URI: "postgres://x/y", DB_CONNECTION_URI_FILE: file })).toEqual([
      "DB_CONNECTION_URI and DB_CONNECTION_URI_FILE must not be set together",
    ])
    expect(readConfig({ COFFER_ROOT_KEY_FILE: "/keys/root" }).rootKeyFile).toBe("/keys/root")
  })

  it("reports every problem at once, by name and expectation, never by value", () => {
    const secret = "hunter2-hunter2"
    const problems = problemsOf({
      PORT: secret,
      SITE_URL: secret,
      DB_CONNECTION_URI: secret,
      DB_ROOT_CERT: secret,
      TRUSTED_PROXY_CIDRS: secret,
      MAX_MACHINE_IDENTITY_TOKEN_AGE: secret,
      COFFER_OPEN_BOOTSTRAP: secret,
      LOG_LEVEL: secret,
      AUTH_SECRET: "short",
    })
    expect(problems.map((problem) => problem.split(" ")[0]).sort()).toEqual([
      "AUTH_SECRET",
      "COFFER_OPEN_BOOTSTRAP",
      "DB_CONNECTION_URI",
      "DB_ROOT_CERT",
      "LOG_LEVEL",
      "MAX_MACHINE_IDENTITY_TOKEN_AGE",
      "PORT",
      "SITE_URL",
      "TRUSTED_PROXY_CIDRS",
    ])
    expect(new ConfigError(problems).message).not.toContain("hunter2")
    expect(problems.find((problem) => problem.startsWith("PORT"))).toBe(
      "PORT must be a whole number from 0 to 65535",
    )
  })

  it("warns of our variables that nothing reads, without those of the command line", () => {
    const environment = { COFFER_PROT: "1", COFFER_TOKEN: "t", COFFER_SETUP_TOKEN_FILE: "f", OTHER: "x" }
    expect(readConfig(environment).warnings).toEqual(["COFFER_PROT is set, but nothing reads it"])
  })

  it("takes an empty variable for one that is not set", () => {
    expect(readConfig({ PORT: "", HOST: " ", DB_CONNECTION_URI: "" })).toMatchObject({
      port: 8080,
      host: "127.0.0.1",
      connectionUri: undefined,
    })
  })

  it("reads how mails are sent, with the password from a file", () => {
    const site = { SITE_URL: "https://coffer.acme.test" }
    const base = { ...site, SMTP_HOST: "mail.acme.test", SMTP_FROM_ADDRESS: "coffer@acme.test" }
    expect(readConfig({}).mail).toBeUndefined()
    expect(readConfig(base).mail).toEqual({
      host: "mail.acme.test",
      port: 587,
      login: undefined,
      from: { address: "coffer@acme.test", name: "Coffer" },
      tls: "required",
      isCertificateChecked: true,
      caPem: undefined,
    })
    const more = { SMTP_USERNAME: "u", SMTP_PASSWORD_FILE: aFile("hunter2\n"), SMTP_IGNORE_TLS: "true" }
    const { mail } = readConfig({ ...base, ...more, SMTP_PORT: "25", SMTP_TLS_REJECT_UNAUTHORIZED: "false" })
    expect(mail).toMatchObject({ port: 25, tls: "never", isCertificateChecked: false })
    expect(mail?.login?.password.reveal()).toBe("hunter2")
    expect(inspect(mail, { depth: 9 })).not.toContain("hunter2")
    expect(readConfig({ ...base, SMTP_REQUIRE_TLS: "false" }).mail?.tls).toBe("if-offered")
  })

  it("says what a mail server needs besides its name, and by what example", () => {
    expect(problemsOf({ SMTP_HOST: "mail.acme.test" })).toEqual([
      "SMTP_FROM_ADDRESS is missing: SMTP_HOST needs the address that mails come from, such as coffer@example.com",
      "SITE_URL is missing: SMTP_HOST needs the address of this server for the links in mails, such as https://coffer.example.com",
    ])
  })

  it("does not call missing what is there and wrong", () => {
    const wrong = {
      SMTP_HOST: "mail.acme.test",
      SMTP_FROM_ADDRESS: "Coffer <coffer@acme.test>",
      COFFER_SITE_URL: "coffer.acme.test",
      SMTP_USERNAME: "u",
      SMTP_PASSWORD_FILE: "/not/there",
      DB_HOST: "db.acme.test",
      DB_USER: "u",
      DB_NAME: "n",
      DB_PASSWORD_FILE: "/not/there",
    }
    const problems = problemsOf(wrong)
    expect(problems.map((problem) => problem.split(" ")[0]).sort()).toEqual([
      "COFFER_SITE_URL",
      "DB_PASSWORD_FILE",
      "SMTP_FROM_ADDRESS",
      "SMTP_PASSWORD_FILE",
    ])
    expect(problems.find((problem) => problem.startsWith("SMTP_FROM_ADDRESS"))).toBe(
      "SMTP_FROM_ADDRESS must be an e-mail address alone, such as coffer@example.com; a name goes into SMTP_FROM_NAME",
    )
  })

  it("names what does not fit together in the settings of mail", () => {
    const wrong = {
      SMTP_HOST: "mail.acme.test",
      SMTP_USERNAME: "u",
      SMTP_IGNORE_TLS: "true",
      SMTP_REQUIRE_TLS: "true",
      SMTP_FROM_NAME: "Coffer\r\nBcc: eve@evil.test",
    }
    expect(problemsOf(wrong).map((problem) => problem.split(" ")[0])).toEqual([
      "SMTP_FROM_NAME",
      "SMTP_FROM_ADDRESS",
      "SITE_URL",
      "SMTP_USERNAME",
      "SMTP_IGNORE_TLS",
    ])
  })
})
