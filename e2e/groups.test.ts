/** People as an administrator meets them: invited, grouped and given rights by the command, with a real server. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

describe("invitations and groups, by the command", () => {
  let folder: string
  let server: RestartableServer
  const processes = new ChildProcesses()
  const password = "a password of ann"

  const coffer = (args: readonly string[], stdin = "") => runCoffer(args, server.env, { stdin })
  const ok = async (...args: string[]) => {
    const finished = await coffer(args)
    expect(finished, finished.stderr).toMatchObject({ exitCode: 0 })
    return finished.stdout
  }
  const json = async (...args: string[]) => JSON.parse(await ok(...args, "--output", "json"))

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-groups-"))
    server = await startServer(processes, folder)
    const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    const { exitCode } = await coffer([...bootstrap, "--password-file", "-"], "correct horse battery staple")
    expect(exitCode).toBe(0)
    await ok("projects", "create", "Billing API", "--slug", "billing-api")
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("a person is invited, accepts once, and gets rights through a group", async () => {
    const sent = await coffer(["invitations", "create", "ann@coffer.test"])
    expect(sent.stderr).toContain("hand this to ann@coffer.test yourself")
    expect(await json("invitations", "list")).toMatchObject([{ email: "ann@coffer.test", isExpired: false }])
    const accept = ["invitations", "accept", sent.stdout.trim(), "--password-file", "-"]
    const accepted = await coffer(accept, password)
    expect(accepted.stderr).toBe("")
    expect(accepted.stdout).toContain("ann@coffer.test belongs to Acme")
    expect((await coffer(accept, password)).exitCode).not.toBe(0)
    await ok("groups", "create", "Site reliability", "--slug", "sre")
    await ok("groups", "add", "sre", "ann@coffer.test")
    await ok("groups", "grant", "sre", "--project", "billing-api", "--role", "viewer")
    await ok("groups", "grant", "sre", "--project", "billing-api", "--role", "member")
    expect(await json("groups", "list", "--project", "billing-api")).toMatchObject([
      { group: { slug: "sre" }, roles: [{ role: "member" }] },
    ])
    expect(await json("groups", "users", "sre")).toMatchObject([{ email: "ann@coffer.test" }])
    await ok("groups", "remove", "sre", "ann@coffer.test")
    expect(await json("groups", "users", "sre")).toEqual([])
    await ok("groups", "revoke", "sre", "--project", "billing-api")
    await ok("groups", "delete", "sre")
    expect(await json("groups", "list")).toEqual([])
  })

  it("a revoked link and a role without its project are refused with what to do", async () => {
    const { token, invitation } = await json("invitations", "create", "bob@coffer.test")
    await ok("invitations", "revoke", invitation.id)
    const late = await coffer(["invitations", "accept", token, "--password-file", "-"], password)
    expect(late.exitCode).not.toBe(0)
    expect(late.stderr).toContain("ask for another one")
    expect(late.stderr).not.toContain(token)
    const unclear = await coffer(["invitations", "create", "bob@coffer.test", "--role", "viewer"])
    expect(unclear).toMatchObject({ exitCode: 2 })
    expect(unclear.stderr).toContain("--project")
  })
})
