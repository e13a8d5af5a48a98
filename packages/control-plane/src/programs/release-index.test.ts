import { describe, expect, it } from "vitest"
import { stringify } from "yaml"
import type { Host } from "../host.ts"
import { chooseArchive } from "./release-index.ts"

const host: Host = { environment: {}, homeDirectory: "/home/someone", os: "linux", arch: "arm64" }
const hash = "a".repeat(128)

describe("choosing an archive from the release index", () => {
  it("takes the newest patch of the series for this machine", () => {
    const index = indexOf({
      "v1.36.0": ["linux-arm64"],
      "v1.36.2": ["linux-arm64", "darwin-arm64"],
      "v1.36.10": ["darwin-arm64"],
      "v1.36.3-rc.1": ["linux-arm64"],
      "v1.37.0": ["linux-arm64"],
    })
    expect(chooseArchive(index, host)).toEqual({
      version: "1.36.2",
      url: "https://example.org/envtest-v1.36.2-linux-arm64.tar.gz",
      sha512: hash,
    })
  })

  it.for([
    {
      what: "no release of the series",
      index: indexOf({ "v1.35.0": ["linux-arm64"] }),
      says: /no 1\.36\.x for/,
    },
    { what: "nothing for this machine", index: indexOf({ "v1.36.0": ["linux-amd64"] }), says: /linux-arm64/ },
    { what: "a short hash", index: indexOf({ "v1.36.0": ["linux-arm64"] }, { hash: "ab" }), says: /SHA-512/ },
    {
      what: "an address that anyone on the way can change",
      index: indexOf({ "v1.36.0": ["linux-arm64"] }, { selfLink: "http://example.org/a.tar.gz" }),
      says: /https/,
    },
    { what: "another format", index: "- releases", says: /published format/ },
    { what: "no YAML", index: "releases: [", says: /not YAML/ },
    { what: "a web page", index: "<html></html>", says: /published format/ },
    { what: "nothing", index: "", says: /published format/ },
  ])("refuses an index with $what", ({ index, says }) => {
    expect(() => chooseArchive(index, host)).toThrow(says)
  })
})

function indexOf(releases: Record<string, string[]>, wrong: Record<string, string> = {}): string {
  const entries = Object.entries(releases).map(([version, platforms]) => {
    const archives = platforms.map((platform) => {
      const name = `envtest-${version}-${platform}.tar.gz`
      return [name, { hash, selfLink: `https://example.org/${name}`, ...wrong }]
    })
    return [version, Object.fromEntries(archives)]
  })
  return stringify({ releases: Object.fromEntries(entries) })
}
