import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, vi } from "vitest"
import { openBrowser } from "./browser.ts"

const page = new URL("http://127.0.0.1:8080/api/login?port=1&state=$(touch%20evil);&challenge='x'")

describe.skipIf(process.platform !== "linux")("the browser of the person at this terminal", () => {
  it("is not started where there is no screen", () => {
    expect(openBrowser(page, {})).toBe(false)
    expect(openBrowser(page, { DISPLAY: "", WAYLAND_DISPLAY: "" })).toBe(false)
  })

  it("is given the address as one argument, which no shell reads", async () => {
    const folder = await mkdtemp(join(tmpdir(), "coffer-browser-"))
    const [opened, opener] = [join(folder, "opened"), join(folder, "xdg-open")]
    await writeFile(
      opener,
      `#!/bin/sh\nprintf '%s %s' "$#" "$1" > "${opened}.draft" && mv "${opened}.draft" "${opened}"\n`,
      {
        mode: 0o755,
      },
    )
    expect(openBrowser(page, { PATH: `${folder}:/usr/bin:/bin`, DISPLAY: ":0" })).toBe(true)
    const arguments_ = await vi.waitFor(() => readFile(opened, "utf8"), { timeout: 20_000 })
    expect(arguments_).toBe(`1 ${page.href}`)
    await rm(folder, { recursive: true })
  })

  it("that is not installed is no failure: the address was printed", async () => {
    expect(openBrowser(page, { PATH: "/nowhere", DISPLAY: ":0" })).toBe(true)
    await new Promise(setImmediate)
  })
})
