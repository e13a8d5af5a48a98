/** The browser of the person at this terminal. */
import { spawn } from "node:child_process"
import type { Environment } from "./config.ts"

/** What opens a page on each system; never a shell, so an address is only ever an argument. */
const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
  linux: ["xdg-open"],
}

/**
 * Starts the browser and does not wait for it.
 *
 * @returns false when nothing was started: no opener is known, or there is no screen to show a page on
 */
export function openBrowser(url: URL, environment: Environment): boolean {
  const [opener, ...args] = openers[process.platform] ?? []
  const hasScreen = ["DISPLAY", "WAYLAND_DISPLAY"].some((name) => (environment[name] ?? "") !== "")
  if (opener === undefined || (process.platform === "linux" && !hasScreen)) return false
  const child = spawn(opener, [...args, url.href], { env: environment, stdio: "ignore", detached: true })
  child.once("error", () => {
    // The address was printed as well.
  })
  child.unref()
  return true
}
