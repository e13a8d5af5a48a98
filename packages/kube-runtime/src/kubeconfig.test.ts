import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { inspect } from "node:util"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { stringify } from "yaml"
import { loadClusterConfig, parseKubeconfig } from "./kubeconfig.ts"
import { FakeClock } from "./testing/fake-clock.ts"

const CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
const base64 = (text: string) => Buffer.from(text).toString("base64")

/** A kubeconfig with one context "c", whose cluster and user can be changed. */
function aKubeconfig(cluster: object = {}, user: object = {}, context: object = {}) {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u", ...context } }],
    clusters: [{ name: "k", cluster: { server: "https://example.test:6443/", ...cluster } }],
    users: [{ name: "u", user }],
  })
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubeconfig-"))
})
afterEach(() => rm(folder, { recursive: true }))

const write = async (name: string, content: string) => {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

describe("a kubeconfig", () => {
  it("gives server, authority, token and namespace", async () => {
    const text = aKubeconfig(
      { "certificate-authority-data": base64(CA), "tls-server-name": "kubernetes" },
      { token: "t0ken" },
      { namespace: "apps" },
    )
    const config = await parseKubeconfig(text, { source: "/f" })
    expect(config).toMatchObject({
      server: "https://example.test:6443",
      certificateAuthority: CA,
      tlsServerName: "kubernetes",
      insecureSkipTlsVerify: false,
      namespace: "apps",
      source: '/f, context "c"',
    })
    expect(await config.readToken?.()).toBe("t0ken")
    expect(config.readClientCertificate).toBeUndefined()
  })

  it("shows no credential when it is printed", async () => {
    const text = aKubeconfig(
      {},
      { token: "t0ken", "client-certificate-data": base64(CA), "client-key-data": base64(`${CA}K3Y`) },
    )
    const config = await parseKubeconfig(text, { source: "/f" })
    expect(config.readClientCertificate?.().key).toContain("K3Y")
    const printed = inspect(config, { depth: 9, showHidden: true }) + JSON.stringify(config)
    expect(printed).not.toMatch(/t0ken|K3Y/)
  })

  it("reads files relative to itself", async () => {
    await write("ca.crt", CA)
    await write("token", "from-file\n")
    const path = await write(
      "config",
      aKubeconfig({ "certificate-authority": "ca.crt" }, { tokenFile: "token" }),
    )
    const config = await loadClusterConfig({ kubeconfigPath: path, environment: {} })
    expect(config.certificateAuthority).toBe(CA)
    expect(await config.readToken?.()).toBe("from-file")
  })

  it("uses the context asked for, and names the others when it is missing", async () => {
    const text = aKubeconfig()
    await expect(parseKubeconfig(text, { source: "/f", context: "x" })).rejects.toThrow(
      '/f has no context "x"; it has: c',
    )
  })

  it.for<{ what: string; text: string; message: RegExp }>([
    { what: "text that is not YAML", text: "token: 'S3CRET", message: /^\/f is not valid YAML$/ },
    { what: "a list", text: "- a", message: /^\/f is not a kubeconfig$/ },
    { what: "no current context", text: "kind: Config", message: /no current-context; it has no contexts/ },
    { what: "no server", text: aKubeconfig({ server: "" }), message: /the cluster has no server/ },
    {
      what: "a server that is no URL",
      text: aKubeconfig({ server: "::" }),
      message: /server "::" is not a URL/,
    },
    { what: "another protocol", text: aKubeconfig({ server: "ftp://x" }), message: /neither http nor https/ },
    {
      what: "a proxy",
      text: aKubeconfig({ "proxy-url": "http://p" }),
      message: /proxy-url is not supported/,
    },
    {
      what: "an exec plugin",
      text: aKubeconfig({}, { exec: {} }),
      message: /user "u": "exec" is not supported; use/,
    },
    {
      what: "an auth provider",
      text: aKubeconfig({}, { "auth-provider": {} }),
      message: /"auth-provider" is not/,
    },
    { what: "impersonation", text: aKubeconfig({}, { as: "root" }), message: /"as" is not supported/ },
    { what: "a missing cluster", text: aKubeconfig({}, {}, { cluster: "z" }), message: /no cluster "z"/ },
    { what: "a missing user", text: aKubeconfig({}, {}, { user: "z" }), message: /no user "z"/ },
    {
      what: "an authority that is no PEM",
      text: aKubeconfig({ "certificate-authority-data": "AAAA" }),
      message: /certificate-authority-data is not base64 of PEM/,
    },
    {
      what: "a certificate without its key",
      text: aKubeconfig({}, { "client-certificate-data": base64(CA) }),
      message: /must be given together/,
    },
    {
      what: "a missing file",
      text: aKubeconfig({ "certificate-authority": "/nowhere/ca" }),
      message: /cannot read certificate-authority \/nowhere\/ca/,
    },
  ])("is refused with $what", async ({ text, message }) => {
    await expect(parseKubeconfig(text, { source: "/f" })).rejects.toThrow(message)
  })
})

describe("the cluster to talk to", () => {
  it("is the one of the explicit path, then of KUBECONFIG", async () => {
    const explicit = await write("a", aKubeconfig({ server: "https://a" }))
    const listed = await write("b", aKubeconfig({ server: "https://b" }))
    const environment = { KUBECONFIG: listed, KUBERNETES_SERVICE_HOST: "10.0.0.1" }
    expect((await loadClusterConfig({ kubeconfigPath: explicit, environment })).server).toBe("https://a")
    expect((await loadClusterConfig({ environment })).server).toBe("https://b")
  })

  it("comes from several files of KUBECONFIG, of which the first that names an entry defines it", async () => {
    const first = await write("a", stringify({ users: [{ name: "u", user: { token: "first" } }] }))
    const second = await write("b", aKubeconfig({}, { token: "second" }))
    const environment = { KUBECONFIG: ["", first, join(folder, "absent"), second].join(delimiter) }
    const config = await loadClusterConfig({ environment })
    expect(await config.readToken?.()).toBe("first")
  })

  it("is the pod's own inside a cluster, with a token that is read again when it was rotated", async () => {
    const clock = new FakeClock()
    await write("ca.crt", CA)
    await write("namespace", "coffer\n")
    await write("token", "one")
    const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" }
    const config = await loadClusterConfig({ environment, serviceAccountFolder: folder, clock })
    expect(config).toMatchObject({
      server: "https://[fd00::1]:6443",
      namespace: "coffer",
      source: "in-cluster",
    })
    await write("token", "two")
    expect(await config.readToken?.()).toBe("one")
    expect(await config.readToken?.({ fresh: true })).toBe("two")
    await write("token", "three")
    await clock.advance(60_000)
    expect(await config.readToken?.()).toBe("three")
    await write("token", "")
    await clock.advance(60_000)
    expect(await config.readToken?.()).toBe("three")
  })

  it("is the one of the home folder last", async () => {
    await mkdir(join(folder, ".kube"))
    await writeFile(join(folder, ".kube", "config"), aKubeconfig({ server: "https://home" }))
    expect((await loadClusterConfig({ environment: { HOME: folder } })).server).toBe("https://home")
  })

  it("is asked for when there is none", async () => {
    await expect(loadClusterConfig({ environment: { HOME: folder } })).rejects.toThrow("set KUBECONFIG")
    await expect(loadClusterConfig({ environment: { KUBECONFIG: "/nowhere" } })).rejects.toThrow(
      "KUBECONFIG names no existing file: /nowhere",
    )
  })
})
