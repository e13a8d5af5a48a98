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

  it("people and identities of the organization are let into a project, given other roles, and taken out", async () => {
    const { token } = await json("invitations", "create", "carol@coffer.test")
    await coffer(["invitations", "accept", token, "--password-file", "-"], password)
    await ok("identities", "create", "ci")
    const inProject = (...args: string[]) => [...args, "--project", "billing-api"]
    for (const member of ["carol@coffer.test", "ci"]) {
      await ok("members", "grant", member, ...inProject("--role", "viewer"))
      await ok("members", "grant", member, ...inProject("--role", "member", "no-access"))
    }
    const members = await json("members", ...inProject("list"))
    const rolesOf = (name: string) =>
      members
        .filter((one: { name: string }) => one.name === name)
        .flatMap((one: { roles: { role: string }[] }) => one.roles.map(({ role }) => role).toSorted())
    expect(rolesOf("carol@coffer.test")).toEqual(["member", "no-access"])
    expect(rolesOf("ci")).toEqual(["member", "no-access"])
    expect(await ok("members", ...inProject("list"))).toMatch(/carol@coffer\.test\W+person\W/)
    for (const member of ["Carol@coffer.test", "ci"]) await ok("members", "revoke", member, ...inProject())
    const left = (await json("members", ...inProject("list"))).map((one: { name: string }) => one.name)
    expect(left).not.toContain("carol@coffer.test")
    expect(left).not.toContain("ci")
    for (const member of ["carol@coffer.test", "ci", "nobody"]) {
      const gone = await coffer(["members", "revoke", member, ...inProject()])
      expect(gone).toMatchObject({ exitCode: 5 })
      expect(gone.stderr).toContain("does not belong to the project")
    }
    const unknown = await coffer(["members", "grant", "nobody", ...inProject("--role", "viewer")])
    expect(unknown).toMatchObject({ exitCode: 5 })
    expect(unknown.stderr).toContain("coffer identities list")
    expect(await coffer(["members", "grant", "ci", ...inProject()])).toMatchObject({ exitCode: 2 })
  })

  it("who lets a person into a project that is not in the organization is told how to invite them", async () => {
    const grant = ["members", "grant", "Dan@coffer.test", "--project", "billing-api", "--role", "viewer"]
    const uninvited = await coffer(grant)
    expect(uninvited).toMatchObject({ exitCode: 5 })
    expect(uninvited.stderr).toContain(
      "coffer invitations create dan@coffer.test --project billing-api --role viewer",
    )
  })

  it("whoever gives an identity rights is told of others who set up how it logs in", async () => {
    const other = await json("identities", "create", "set-up", "--organization-role", "admin")
    const login = ["login", "--method", "universal-auth", "--client-id", other.clientId, "--plain"]
    const token = (await line.ok([...login, "--client-secret-file", "-"], other.clientSecret)).trim()
    await ok("identities", "create", "worker", "--token", token)
    await ok("identities", "create", "own-worker")
    const grant = (name: string) =>
      coffer(["members", "grant", name, "--project", "billing-api", "--role", "viewer"])
    const told = await grant("worker")
    expect(told).toMatchObject({ exitCode: 0 })
    expect(told.stderr).toContain(
      "may know how to: set-up (universal-auth); see 'coffer identities show worker'",
    )
    const own = await grant("own-worker")
    expect(own).toMatchObject({ exitCode: 0 })
    expect(own.stderr).not.toContain("may know how to")
  })

  it("an administrator of the organization enters a project that it was taken out of", async () => {
    const admin = await json("identities", "create", "night-watch", "--organization-role", "admin")
    const login = ["login", "--method", "universal-auth", "--client-id", admin.clientId, "--plain"]
    const token = (await line.ok([...login, "--client-secret-file", "-"], admin.clientSecret)).trim()
    const asAdmin = (...args: string[]) => coffer([...args, "--token", token])
    const listed = async (...args: string[]) =>
      JSON.parse((await asAdmin("projects", "list", ...args, "--output", "json")).stdout)
    expect(await listed()).toEqual([])
    expect(await listed("--all")).toMatchObject([{ slug: "billing-api" }])
    const look = () => asAdmin("secrets", "--project", "billing-api")
    expect((await look()).exitCode).not.toBe(0)
    expect(await asAdmin("projects", "enter", "billing-api")).toMatchObject({ exitCode: 0 })
    expect((await look()).exitCode).toBe(0)
    expect(await asAdmin("projects", "enter", "none")).toMatchObject({ exitCode: 5 })
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
