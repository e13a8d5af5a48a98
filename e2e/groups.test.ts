/** People as an administrator meets them: invited, grouped and given rights by the command, with a real server. */
import { beforeAll, describe, expect, it } from "vitest"
import { commandLine } from "./command-line.ts"

describe("invitations and groups, by the command", () => {
  const password = "a password of ann"

  const line = commandLine()
  const coffer = (args: readonly string[], stdin = "") => line.coffer(args, stdin)
  const ok = (...args: string[]) => line.ok(args)
  const json = (...args: string[]) => line.json(args)

  beforeAll(() => ok("projects", "create", "Billing API", "--slug", "billing-api"))

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
