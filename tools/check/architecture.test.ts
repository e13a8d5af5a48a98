import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")
const page = readFileSync(join(root, "ARCHITECTURE.md"), "utf8")
const isPath = (text: string) => /^[\w.@-]+(\/[\w.@*-]+)+\/?$/.test(text)
const pathsIn = (text: string) =>
  [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "").filter(isPath)

describe("ARCHITECTURE.md", () => {
  it("mentions only paths that exist", () => {
    const paths = pathsIn(page)
    expect(paths.length).toBeGreaterThan(20)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it.for([
    "Log in with universal auth",
    "Read a secret",
    "Write a secret",
    "Restore an environment to yesterday",
    "Verify the audit log",
    "Reconcile an ExternalSecret",
  ])("leads through the journey '%s' in at most six files", (journey) => {
    const section = page.split(/^### /m).find((text) => text.startsWith(journey))
    expect(section, `a heading '### ${journey}'`).toBeDefined()
    const steps = new Set(pathsIn(section?.split(/^## /m)[0] ?? "").filter((path) => path.endsWith(".ts")))
    expect(steps.size).toBeGreaterThanOrEqual(3)
    expect(steps.size).toBeLessThanOrEqual(6)
  })
})
