/**
 * The index of the archives that setup-envtest installs, published by kubernetes-sigs/controller-tools:
 *
 *     releases:
 *       v1.36.0:
 *         envtest-v1.36.0-linux-amd64.tar.gz:
 *           hash: <SHA-512 of the archive, hexadecimal>
 *           selfLink: <URL of the archive>
 */
import { parse } from "yaml"
import { ControlPlaneError } from "../errors.ts"
import type { Host } from "../host.ts"
import { controlPlaneSeries, patchOf } from "./find-programs.ts"

export const releaseIndexUrl =
  "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"

/** An archive to download; `version` has no leading `v`. */
export type ReleaseArchive = {
  readonly version: string
  readonly url: string
  readonly sha512: string
}

/**
 * Chooses the newest patch release of the wanted series that the index offers for this machine. Throws
 * `download-refused` if there is none, or if its entry is not what the format promises.
 */
export function chooseArchive(indexText: string, host: Host): ReleaseArchive {
  const releases = entriesOf(entriesOf(parseIndex(indexText))["releases"])
  const versions = Object.keys(releases)
    .filter((name) => name.startsWith("v"))
    .map((name) => name.slice(1))
    .filter((version) => patchOf(version) !== undefined)
    .sort((a, b) => (patchOf(b) ?? 0) - (patchOf(a) ?? 0))
  for (const version of versions) {
    const archives = entriesOf(releases[`v${version}`])
    const archive = archives[`envtest-v${version}-${host.os}-${host.arch}.tar.gz`]
    if (archive !== undefined) return checkedArchive(version, entriesOf(archive))
  }
  throw refusal(`the index has no ${controlPlaneSeries}.x for ${host.os}-${host.arch}`)
}

/** True for HTTPS, and for plain HTTP only within this machine. */
export function isTrustworthyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost"].includes(hostname))
}

function parseIndex(text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw refusal("the index is not YAML", error)
  }
}

function checkedArchive(version: string, entry: Record<string, unknown>): ReleaseArchive {
  const { hash, selfLink } = entry
  if (typeof hash !== "string" || !/^[0-9a-f]{128}$/.test(hash)) {
    throw refusal(`the index gives no SHA-512 for ${version}`)
  }
  if (typeof selfLink !== "string" || !isTrustworthyUrl(selfLink)) {
    throw refusal(`the index gives no https address for ${version}`)
  }
  return { version, url: selfLink, sha512: hash }
}

function entriesOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value }
  throw refusal("the index does not have the published format")
}

function refusal(message: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError("download-refused", message, { cause })
}
