import { homedir } from "node:os"
import { join } from "node:path"

/** The machine as far as this package cares; handed in, so that tests can describe another one. */
export type Host = {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly homeDirectory: string
  /** Named as Go names them, because archives and folders do: `linux`, `darwin`, `windows`. */
  readonly os: string
  /** `amd64`, `arm64`, ... */
  readonly arch: string
}

const goOs: Readonly<Record<string, string>> = { win32: "windows" }
const goArch: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" }

/** Describes the machine this process runs on. */
export function currentHost(): Host {
  return {
    environment: process.env,
    homeDirectory: homedir(),
    os: goOs[process.platform] ?? process.platform,
    arch: goArch[process.arch] ?? process.arch,
  }
}

/** The folder that holds one folder per version; it may not exist yet. */
export function cacheDirectory(host: Host): string {
  const cacheHome = host.environment["XDG_CACHE_HOME"] || join(host.homeDirectory, ".cache")
  return join(cacheHome, "coffer", "control-plane")
}
