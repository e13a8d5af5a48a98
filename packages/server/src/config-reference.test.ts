import { describe, expect, it } from "vitest"
import { readConfig } from "./config.ts"
import { reportConfig } from "./config-report.ts"
import { Secret } from "./secret.ts"
import { type Setting, settings } from "./settings.ts"

const all: readonly Setting[] = Object.values(settings)

/** `docs/configuration.md`; `npx vitest run packages/server/src/config-reference.test.ts -u` writes it anew. */
function reference(): string {
  const sections = Map.groupBy(all, ({ group }) => group)
  const tables = [...sections].map(([group, ofGroup]) =>
    [
      `## ${group}`,
      "",
      "| Variable | Default | What it is |",
      "|---|---|---|",
      ...ofGroup.map(({ names, fallback, about }) => {
        const variables = names.map((name) => `\`${name}\``).join(", ")
        const isText = fallback !== undefined && !fallback.includes("`")
        return `| ${variables} | ${isText ? `\`${fallback}\`` : (fallback ?? "")} | ${about} |`
      }),
    ].join("\n"),
  )
  const intro = [
    "# Configuration of the server",
    "",
    "Generated from `packages/server/src/settings.ts`. Settings are environment variables; without any, the server works on a laptop. Of several names the first wins. Each may also be given as `<NAME>_FILE`, the path of a file that holds it: secrets belong there. `coffer server config print` shows what counts and where it comes from, secrets left out.",
  ].join("\n")
  return `${[intro, ...tables].join("\n\n")}\n`
}

describe("the reference of settings", () => {
  it("is what docs/configuration.md says", async () => {
    await expect(reference()).toMatchFileSnapshot("../../../docs/configuration.md")
  })

  it("names every variable once", () => {
    const names = all.flatMap((setting) => setting.names)
    expect(new Set(names).size).toBe(names.length)
  })

  it("names the defaults that count", () => {
    const mail = { SMTP_HOST: "mail.example.com", SMTP_FROM_ADDRESS: "a@example.com" }
    const base = { ...mail, SITE_URL: "http://coffer.example.com" }
    const judged = all.filter(({ schema, fallback }) => schema.safeParse(fallback).success)
    expect(judged.length).toBeGreaterThan(15)
    for (const { names, fallback } of judged) {
      const explicit = readConfig({ ...base, [names[0]]: fallback })
      expect({ name: names[0], config: explicit }).toEqual({ name: names[0], config: readConfig(base) })
    }
  })

  it("keeps to itself what is read as a secret", () => {
    const texts = ["postgres://u:p@host/name", "x".repeat(32)]
    const secrets = all.filter(({ schema }) =>
      texts.some((text) => schema.safeParse(text).data instanceof Secret),
    )
    expect(secrets.length).toBeGreaterThan(4)
    expect(secrets.filter(({ isSecret }) => isSecret !== true)).toEqual([])
  })
})

describe("the configuration that counts", () => {
  const reported = (environment: Record<string, string>, name: string) =>
    reportConfig(environment).find((one) => one.name === name)

  it("says what is set by which variable, and what is a default", () => {
    const environment = { HOST: "0.0.0.0", PORT: "" }
    expect(reported(environment, "COFFER_HOST")).toMatchObject({ value: "0.0.0.0", source: "HOST" })
    expect(reported(environment, "COFFER_PORT")).toMatchObject({ value: "8080", source: null })
    expect(reported(environment, "SMTP_HOST")).toMatchObject({ value: null, source: null })
  })

  it("shows no secret, wherever it comes from", () => {
    const canary = "canary-of-thirty-two-characters!"
    const environment = {
      DB_CONNECTION_URI: `postgres://u:${canary}@host/name`,
      DB_PASSWORD: canary,
      ROOT_ENCRYPTION_KEY: canary,
      ENCRYPTION_KEY: canary,
      AUTH_SECRET: canary,
      SMTP_PASSWORD: canary,
    }
    expect(JSON.stringify(reportConfig(environment))).not.toContain(canary)
    expect(reported(environment, "AUTH_SECRET")).toMatchObject({ value: "[secret]", source: "AUTH_SECRET" })
  })

  it("is not shown when no server would start with it", () => {
    expect(() => reportConfig({ PORT: "nope" })).toThrow("PORT must be a whole number")
  })
})
