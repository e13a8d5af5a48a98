import { generateKeyPairSync, X509Certificate } from "node:crypto"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { SupervisedProgram, Supervisor } from "../supervision/supervisor.ts"
import { retryOnTakenPort } from "./free-port.ts"
import { probe } from "./request.ts"
import { waitUntilServing } from "./wait-until-serving.ts"

export type ApiServerOptions = {
  readonly file: string
  readonly etcdUrl: string
  readonly adminToken: string
  readonly timeoutMs: number
}

export type ApiServer = {
  readonly url: string
  /** PEM of the certificate authority that signed the serving certificate. */
  readonly caBytes: Uint8Array
  readonly process: SupervisedProgram
}

const serviceAccountIssuer = "https://kubernetes.default.svc.cluster.local"

/** Starts kube-apiserver on a free loopback port and waits until it is ready and its namespaces exist. */
export async function startApiServer(supervisor: Supervisor, options: ApiServerOptions): Promise<ApiServer> {
  const { directory } = supervisor
  const keys = await writeServiceAccountKeys(directory)
  const tokenPath = join(directory, "tokens.csv")
  await writeFile(tokenPath, `${options.adminToken},coffer-admin,coffer-admin,"system:masters"\n`, {
    mode: 0o600,
  })
  return retryOnTakenPort(async (port, round) => {
    const certDirectory = join(directory, `serving-certificate-${round}`)
    await mkdir(certDirectory, { mode: 0o700 })
    const program = await supervisor.start({
      name: `kube-apiserver-${round}`,
      file: options.file,
      args: [
        `--etcd-servers=${options.etcdUrl}`,
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        `--secure-port=${port}`,
        `--cert-dir=${certDirectory}`, // it makes its own certificate there
        `--token-auth-file=${tokenPath}`,
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount", // no pods run, so nothing needs a mounted token
        "--endpoint-reconciler-type=none",
        `--service-account-issuer=${serviceAccountIssuer}`,
        `--service-account-signing-key-file=${keys.privatePath}`,
        `--service-account-key-file=${keys.publicPath}`,
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged=true",
        "--profiling=false",
      ],
    })
    const url = `https://127.0.0.1:${port}`
    const isReady = () => isServing(url, certDirectory, options.adminToken)
    await waitUntilServing("kube-apiserver", program, isReady, options.timeoutMs)
    const caBytes = await readAuthority(certDirectory)
    return { url, caBytes, process: program }
  })
}

/** Ready as it says itself, and the namespace `default`, which it creates a moment later, is there. */
async function isServing(url: string, certDirectory: string, token: string): Promise<boolean> {
  let caBytes: Uint8Array
  try {
    caBytes = await readAuthority(certDirectory)
  } catch {
    return false // the certificate is not written yet, or only half
  }
  const readiness = await probe(`${url}/readyz`, { token, caBytes })
  if (readiness?.status !== 200) return false
  const namespace = await probe(`${url}/api/v1/namespaces/default`, { token, caBytes })
  return namespace?.status === 200
}

/** The file holds the serving certificate and after it the authority that signed it. */
async function readAuthority(certDirectory: string): Promise<Uint8Array> {
  const chain = await readFile(join(certDirectory, "apiserver.crt"), "utf8")
  const blocks = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? []
  const authority = blocks.find((pem) => new X509Certificate(pem).ca)
  if (!authority) throw new Error("apiserver.crt holds no certificate authority")
  return new TextEncoder().encode(authority)
}

async function writeServiceAccountKeys(
  directory: string,
): Promise<{ privatePath: string; publicPath: string }> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const privatePath = join(directory, "service-account.key")
  const publicPath = join(directory, "service-account.pub")
  await writeFile(privatePath, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 })
  await writeFile(publicPath, publicKey.export({ type: "spki", format: "pem" }), { mode: 0o600 })
  return { privatePath, publicPath }
}
