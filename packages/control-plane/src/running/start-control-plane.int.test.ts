import { existsSync, statSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { controllerManagerTool, controlPlaneTool, describeWithTools } from "@coffer/testkit"
import { afterAll, beforeAll, expect, it } from "vitest"
import { currentHost } from "../host.ts"
import { findInstalledPrograms } from "../programs/find-programs.ts"
import { probe } from "./request.ts"
import { type ControlPlane, startControlPlane } from "./start-control-plane.ts"

const programs = findInstalledPrograms(currentHost())

describeWithTools([controlPlaneTool], "two control planes at the same time", () => {
  let planes: [ControlPlane, ControlPlane]

  beforeAll(async () => {
    planes = await Promise.all([startControlPlane(), startControlPlane()])
  })
  afterAll(() => Promise.all(planes.map((plane) => plane.stop())))

  it("are ready, each on its own port", async () => {
    expect(planes[0].url).not.toBe(planes[1].url)
    for (const plane of planes) expect((await ask(plane, "/readyz")).body).toBe("ok")
  })

  it("keep their objects apart", async () => {
    const created = await ask(planes[0], "/api/v1/namespaces/default/secrets", secret("only-here"))
    expect(created.status).toBe(201)
    expect((await ask(planes[0], "/api/v1/namespaces/default/secrets/only-here")).status).toBe(200)
    expect((await ask(planes[1], "/api/v1/namespaces/default/secrets/only-here")).status).toBe(404)
  })

  it("do not take each other's token", async () => {
    const [first, second] = planes
    const answer = await probe(`${first.url}/api/v1/secrets`, { token: second.token, caBytes: first.caBytes })
    expect(answer?.status).toBe(401)
  })

  it("are what their kubeconfig says, which nobody else may read", async () => {
    const [plane] = planes
    expect(statSync(plane.kubeconfigPath).mode & 0o777).toBe(0o600)
    const kubeconfig = JSON.parse(await readFile(plane.kubeconfigPath, "utf8"))
    expect(kubeconfig.clusters[0].cluster.server).toBe(plane.url)
    expect(kubeconfig.users[0].user.token).toBe(plane.token)
  })

  it("review the tokens they issue to service accounts, and give them no rights", async () => {
    const [plane] = planes
    const accounts = "/api/v1/namespaces/default/serviceaccounts"
    await ask(plane, accounts, { metadata: { name: "reader" } })
    const issued = await ask(plane, `${accounts}/reader/token`, { spec: { audiences: ["coffer"] } })
    const { token } = JSON.parse(issued.body).status
    const review = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: ["coffer"] },
    }
    const answer = await ask(plane, "/apis/authentication.k8s.io/v1/tokenreviews", review)
    expect(JSON.parse(answer.body).status).toMatchObject({
      authenticated: true,
      audiences: ["coffer"],
      user: { username: "system:serviceaccount:default:reader" },
    })
    const forged = { ...review, spec: { ...review.spec, token: `${token.slice(0, -8)}AAAAAAAA` } }
    const refusal = await ask(plane, "/apis/authentication.k8s.io/v1/tokenreviews", forged)
    expect(JSON.parse(refusal.body).status.authenticated).not.toBe(true)
  })

  it("enforce roles on service accounts", async () => {
    const [plane] = planes
    const accounts = "/api/v1/namespaces/default/serviceaccounts"
    await ask(plane, accounts, { metadata: { name: "nobody-special" } })
    const issued = await ask(plane, `${accounts}/nobody-special/token`, { spec: {} })
    const { token } = JSON.parse(issued.body).status
    const answer = await probe(`${plane.url}/api/v1/secrets`, { token, caBytes: plane.caBytes })
    expect(answer?.status).toBe(403)
  })
})

describeWithTools([controlPlaneTool], "stopping a control plane", () => {
  it("ends its programs and removes its directory", async () => {
    const plane = await startControlPlane()
    await plane.stop()
    expect(existsSync(plane.directory)).toBe(false)
    expect(isAlive(plane.pids.etcd)).toBe(false)
    expect(isAlive(plane.pids.kubeApiserver)).toBe(false)
    await plane.stop()
  })

  it("happens by itself when a program does not start", async () => {
    const kubeApiserver = process.execPath // runs, but knows none of the flags
    const failed = startControlPlane({ programs: { etcd: programs?.etcd ?? "", kubeApiserver } })
    await expect(failed).rejects.toMatchObject({ code: "program-exited" })
  })
})

describeWithTools([controlPlaneTool, controllerManagerTool], "with a controller manager", () => {
  it("what an owner leaves behind is collected", async () => {
    const plane = await startControlPlane({ controllerManager: true })
    try {
      const secrets = "/api/v1/namespaces/default/secrets"
      const owner = JSON.parse((await ask(plane, secrets, secret("owner"))).body)
      const ownerReferences = [{ apiVersion: "v1", kind: "Secret", name: "owner", uid: owner.metadata.uid }]
      await ask(plane, secrets, { metadata: { name: "owned", ownerReferences } })
      await probe(`${plane.url}${secrets}/owner`, { ...access(plane), method: "DELETE" })
      await expect
        .poll(async () => (await ask(plane, `${secrets}/owned`)).status, { timeout: 25_000 })
        .toBe(404)
    } finally {
      await plane.stop()
    }
  })
})

function secret(name: string) {
  return { metadata: { name }, stringData: { text: "hello" } }
}

function access(plane: ControlPlane) {
  return { token: plane.token, caBytes: plane.caBytes }
}

async function ask(plane: ControlPlane, path: string, body?: unknown) {
  const posted = body === undefined ? {} : { method: "POST" as const, body: JSON.stringify(body) }
  const answer = await probe(`${plane.url}${path}`, { ...access(plane), ...posted })
  if (!answer) throw new Error(`${path} was not answered`)
  return answer
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
