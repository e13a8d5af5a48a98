import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { createServer, type RequestListener, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { stringify } from "yaml"
import { currentHost, type Host } from "../host.ts"
import { type EnsureOptions, ensurePrograms } from "./ensure-programs.ts"

const archivePath = "/envtest-v1.36.2-linux-amd64.tar.gz"
/** Nobody listens on this port of the loopback interface: it is reserved and needs privileges. */
const nowhere = "http://127.0.0.1:1/index.yaml"

let home: string
let server: Server | undefined
let archiveBytes: Uint8Array

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "coffer-ensure-programs-"))
  archiveBytes = await packArchive(["etcd", "kube-apiserver", "kubectl"])
})
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
  await rm(home, { recursive: true, force: true })
})

describe("downloading the control plane", () => {
  it("installs the verified archive in the cache folder and takes it from there the next time", async () => {
    const indexUrl = await serve(archiveBytes)
    const programs = await ensure({ indexUrl })
    expect(programs.etcd).toBe(join(cacheFolder(), "1.36.2/linux-amd64/etcd"))
    expect(await readFile(programs.kubeApiserver, "utf8")).toContain("kube-apiserver")
    expect((await stat(programs.etcd)).mode & 0o111).toBe(0o111)
    expect(await ensure({ indexUrl: nowhere })).toEqual(programs)
    expect(await leftOvers()).toEqual([])
  })

  it("refuses a tampered archive and keeps nothing of it", async () => {
    const tampered = await packArchive(["etcd", "kube-apiserver", "backdoor"])
    const indexUrl = await serve(tampered, { sha512: sha512Of(archiveBytes) })
    await expect(ensure({ indexUrl })).rejects.toThrow(/does not have the SHA-512 that the index gives/)
    expect(await leftOvers()).toEqual([])
  })

  it("refuses an archive that was cut short", async () => {
    const indexUrl = await serve(archiveBytes.slice(0, 100), { sha512: sha512Of(archiveBytes) })
    await expect(ensure({ indexUrl })).rejects.toThrow(/SHA-512/)
  })

  it("refuses an archive without the programs", async () => {
    const indexUrl = await serve(await packArchive(["kubectl"]))
    await expect(ensure({ indexUrl })).rejects.toThrow(/holds no etcd/)
  })

  it("refuses an index that is far too large, without reading it all", async () => {
    const indexUrl = await listen((_request, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(64 * 1024, "#")));
      }
      response.on("drain", more)
      more()
    })
    await expect(ensure({ indexUrl })).rejects.toThrow(/larger than 4 MiB/)
  })

  it("gives up on a server that accepts and says nothing", async () => {
    const indexUrl = await listen(() => {})
    await expect(ensure({ indexUrl, answerTimeoutMs: 100 })).rejects.toThrow(/did not answer in time/)
  })

  it("says what a server answered instead", async () => {
    const indexUrl = await listen((_request, response) => response.writeHead(503).end())
    await expect(ensure({ indexUrl })).rejects.toThrow(/answered 503/)
  })
})

describe("falling back to a build", () => {
  it("builds with Go where the download fails, and says what it does", async () => {
    const lines: string[] = []
    const programs = await ensure({
      indexUrl: nowhere,
      host: hostWith(await standInForGo("go1.26.4")),
      report: (line) => lines.push(line),
    })
    expect(programs.kubeControllerManager).toBe(
      join(cacheFolder(), "1.36.3/linux-amd64/kube-controller-manager"),
    )
    expect(lines.filter((line) => line.startsWith("building"))).toHaveLength(3)
    expect(await buildsDone()).toEqual(["etcd", "kube-apiserver", "kube-controller-manager"])
  })

  it("builds only the controller manager if the rest is there", async () => {
    const indexUrl = await serve(archiveBytes)
    const host = hostWith(await standInForGo("go1.27.0"))
    const programs = await ensure({ indexUrl, host, controllerManager: true })
    expect(programs.etcd).toContain("/1.36.2/")
    expect(programs.kubeControllerManager).toContain("/1.36.3/")
    expect(await buildsDone()).toEqual(["kube-controller-manager"])
  })

  it("builds once if two ask at the same time", async () => {
    const host = hostWith(await standInForGo("go1.26.0"))
    const lines: string[] = []
    const report = (line: string) => lines.push(line)
    const [first, second] = await Promise.all([
      ensure({ indexUrl: nowhere, host, report }),
      ensure({ indexUrl: nowhere, host, report }),
    ])
    expect(second).toEqual(first)
    expect(lines.filter((line) => line.startsWith("another process is preparing"))).toHaveLength(1)
    expect(await buildsDone()).toHaveLength(3)
  })

  it("reports a build that fails with what Go printed, and leaves nothing half done", async () => {
    const host = hostWith(await standInForGo("go1.26.0", "echo 'no space left on device' >&2; exit 1"))
    await expect(ensure({ indexUrl: nowhere, host })).rejects.toThrow(/no space left on device/)
    expect(await leftOvers()).toEqual([])
  })

  it("lists everything that was tried and what to do, if nothing works", async () => {
    const host = hostWith(await standInForGo("go1.25.9"))
    const error = await ensure({ indexUrl: nowhere, host }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: "programs-unavailable" })
    const { message } = error as Error
    for (const part of [
      "KUBEBUILDER_ASSETS: not set",
      `cache folder: ${cacheFolder()} holds no 1.36.x for linux-amd64`,
      `download: ${nowhere}`,
      "go1.25.9; Go 1.26 or newer is needed",
      "What you can do: set KUBEBUILDER_ASSETS",
    ]) {
      expect(message).toContain(part)
    }
  })
})

function ensure(options: EnsureOptions) {
  return ensurePrograms({ host: hostWith(), ...options })
}

function hostWith(path = ""): Host {
  return { environment: { PATH: path }, homeDirectory: home, os: "linux", arch: "amd64" }
}

function cacheFolder(): string {
  return join(home, ".cache/coffer/control-plane")
}

/** Whatever is in the cache folder beside finished versions and the lock file. */
async function leftOvers(): Promise<string[]> {
  const names = await readdir(cacheFolder())
  return names.filter((name) => name !== "1.36.2" && !name.startsWith("preparation.lock"))
}

async function packArchive(names: readonly string[]): Promise<Uint8Array> {
  const folder = await mkdtemp(join(home, "archive-"))
  const inner = join(folder, "controller-tools/envtest")
  await mkdir(inner, { recursive: true })
  for (const name of names) await writeFile(join(inner, name), `#!/bin/sh\n# ${name}\n`, { mode: 0o755 })
  return execFileSync("tar", ["-czf", "-", "-C", folder, "controller-tools"])
}

function serve(bytes: Uint8Array, { sha512 = sha512Of(bytes) } = {}): Promise<string> {
  return listen((request, response) => {
    if (request.url === archivePath) {
      response.end(bytes)
      return
    }
    const archive = { hash: sha512, selfLink: `http://${request.headers.host}${archivePath}` }
    response.end(stringify({ releases: { "v1.36.2": { [archivePath.slice(1)]: archive } } }))
  })
}

/** Serves on the loopback interface and returns the address of the index. */
function listen(listener: RequestListener): Promise<string> {
  const created = createServer(listener)
  server = created
  return new Promise((resolve) => {
    created.listen(0, "127.0.0.1", () => {
      const address = created.address()
      resolve(`http://127.0.0.1:${address && typeof address === "object" ? address.port : 0}/index.yaml`)
    })
  })
}

function sha512Of(bytes: Uint8Array): string {
  return createHash("sha512").update(bytes).digest("hex")
}

/** A program named go that "builds" scripts and notes each build; returns a PATH that holds it. */
async function standInForGo(version: string, build = ""): Promise<string> {
  const folder = await mkdtemp(join(home, "go-"))
  const script = `#!/bin/sh
if [ "$1" = env ]; then echo ${version}; exit 0; fi
${build}
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\n' > "$2"
basename "$2" >> ${join(home, "builds")}
`
  await writeFile(join(folder, "go"), script, { mode: 0o755 })
  return `${folder}:${currentHost().environment["PATH"]}`
}

async function buildsDone(): Promise<string[]> {
  return (await readFile(join(home, "builds"), "utf8")).trim().split("\n")
}
