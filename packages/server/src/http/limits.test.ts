import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { limits, timeouts } from "./limits.ts"
import { defaultRates } from "./rate-limits.ts"

const page = readFileSync(new URL("../../../../docs/limits.md", import.meta.url), "utf8")

describe("docs/limits.md", () => {
  it.for([
    `| body | ${limits.bodyBytes} bytes |`,
    `| depth of JSON | ${limits.jsonDepth} levels |`,
    `| values in a body | ${limits.jsonValues} |`,
    `| URL | ${limits.urlLength} characters |`,
    `| query parameters | ${limits.queryParameters} |`,
    `| request line and headers | ${limits.headBytes} bytes |`,
    `| headers | ${limits.headers} |`,
    `| time until the headers are complete | ${timeouts.headMs / 1_000} s |`,
    `| time until the body is complete | ${timeouts.requestMs / 1_000} s |`,
    `| time until an uploaded archive is complete | ${timeouts.uploadMs / 1_000} s |`,
    `| silence while a request is under way | ${timeouts.silenceMs / 1_000} s |`,
    ...Object.entries(defaultRates).map(([name, rate]) => `\`${name}\`(?: \\([a-z ]+\\))? \\| ${rate} \\|`),
  ])("says %s", (line) => {
    const pattern = line.startsWith("|") ? RegExp.escape(line) : line
    expect(page).toMatch(new RegExp(pattern))
  })
})
