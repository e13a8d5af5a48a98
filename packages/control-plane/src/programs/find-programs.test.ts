import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Host } from "../host.ts"
import { findInstalledPrograms } from "./find-programs.ts"

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "coffer-find-programs-"))
})
afterEach(() => rm(home, { recursive: true, force: true }))

describe("finding installed programs", () => {
  it("finds nothing on an empty machine", () => {
    expect(findInstalledPrograms(hostWith({}))).toBeUndefined()
  })

  it("prefers KUBEBUILDER_ASSETS to the cache folder", async () => {
    const assets = await install("assets", ["etcd", "kube-apiserver"])
    await install(cached("1.36.3"), ["etcd", "kube-apiserver"])
    expect(findInstalledPrograms(hostWith({ KUBEBUILDER_ASSETS: assets }))).toEqual({
      etcd: join(assets, "etcd"),
      kubeApiserver: join(assets, "kube-apiserver"),
    })
  })

  it("refuses KUBEBUILDER_ASSETS without the programs, even if the cache folder has them", async () => {
    const assets = await install("assets", ["etcd"])
    await install(cached("1.36.3"), ["etcd", "kube-apiserver"])
    expect(() => findInstalledPrograms(hostWith({ KUBEBUILDER_ASSETS: assets }))).toThrow(
      /^KUBEBUILDER_ASSETS is .* unset it/,
    )
  })

  it("takes an empty KUBEBUILDER_ASSETS for an absent one", async () => {
    const folder = await install(cached("1.36.3"), ["etcd", "kube-apiserver"])
    const programs = findInstalledPrograms(hostWith({ KUBEBUILDER_ASSETS: "" }))
    expect(programs?.etcd).toBe(join(folder, "etcd"))
  })

  it("takes the newest patch release of the series from the cache folder, and no other series", async () => {
    for (const version of ["1.36.2", "1.36.10", "1.37.0", "1.36.11-rc.0"]) {
      await install(cached(version), ["etcd", "kube-apiserver"])
    }
    expect(findInstalledPrograms(hostWith({}))?.etcd).toContain("/1.36.10/linux-amd64/")
  })

  it("passes over a version folder that is incomplete or not runnable", async () => {
    await install(cached("1.36.9"), ["etcd"])
    const folder = await install(cached("1.36.8"), ["etcd", "kube-apiserver"])
    await chmod(join(folder, "etcd"), 0o644)
    await install(cached("1.36.1"), ["etcd", "kube-apiserver"])
    expect(findInstalledPrograms(hostWith({}))?.etcd).toContain("/1.36.1/")
  })

  it("completes assets without a controller manager from the cache folder", async () => {
    const assets = await install("assets", ["etcd", "kube-apiserver"])
    const folder = await install(cached("1.36.3"), ["kube-controller-manager"])
    const programs = findInstalledPrograms(hostWith({ KUBEBUILDER_ASSETS: assets }))
    expect(programs?.kubeControllerManager).toBe(join(folder, "kube-controller-manager"))
  })

  it("looks below XDG_CACHE_HOME if that is set", async () => {
    const folder = await install("elsewhere/coffer/control-plane/1.36.3/linux-amd64", [
      "etcd",
      "kube-apiserver",
    ])
    const programs = findInstalledPrograms(hostWith({ XDG_CACHE_HOME: join(home, "elsewhere") }))
    expect(programs?.etcd).toBe(join(folder, "etcd"))
  })
})

function hostWith(environment: Host["environment"]): Host {
  return { environment, homeDirectory: home, os: "linux", arch: "amd64" }
}

function cached(version: string): string {
  return `.cache/coffer/control-plane/${version}/linux-amd64`
}

async function install(folder: string, names: readonly string[]): Promise<string> {
  const path = join(home, folder)
  await mkdir(path, { recursive: true })
  for (const name of names) await writeFile(join(path, name), "#!/bin/sh\n", { mode: 0o755 })
  return path
}
