/** Machine identities and their credentials, by the command, with a real server. */
import { describe, expect, it } from "vitest"
import { commandLine } from "./command-line.ts"

type ListedSecret = { readonly id: string; readonly clientSecretPrefix: string }

describe("client secrets, by the command", () => {
  const { coffer, ok, json } = commandLine()
  const own = (...args: string[]) => ["identities", "client-secrets", ...args]
  const logIn = async (clientId: string, clientSecret: string) =>
    (
      await coffer(
        ["login", "--client-id", clientId, "--client-secret-file", "-", "--plain", "--silent"],
        clientSecret,
      )
    ).exitCode

  it("a second one takes the place of the first without a gap", async () => {
    const { identityId, clientId, clientSecret: first } = await json(["identities", "create", "ci"])
    const made = await coffer(own("create", "ci", "--description", "deploy runner", "--ttl", "90d"))
    expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) })
    const second = made.stdout.trim()
    expect(made.stderr).toMatch(new RegExp(`^Client secret \\S{36} for the client id ${clientId}, until 2`))
    expect(made.stderr).not.toContain(second)
    expect([await logIn(clientId, first), await logIn(clientId, second)]).toEqual([0, 0])

    const listed: readonly ListedSecret[] = await json(own("list", identityId))
    expect(listed).toMatchObject([
      { description: "made by coffer identities create", clientSecretTTL: 0, clientSecretNumUses: 1 },
      { description: "deploy runner", clientSecretTTL: 7_776_000, clientSecretNumUses: 1 },
    ])
    const table = await ok(own("list", "ci"))
    expect(table).toMatch(/deploy runner\W+2\S+\W+2\S+\W+1\W+usable/)
    for (const clear of [first, second]) {
      expect(table + JSON.stringify(listed)).not.toContain(clear)
      expect(table).toContain(clear.slice(0, 4))
    }

    const [old] = listed
    const revoke = own("revoke", "ci", old?.id ?? "")
    const asked = await coffer(revoke)
    expect(asked).toMatchObject({ exitCode: 2, stdout: "" })
    expect(asked.stderr).toContain("(made by coffer identities create) of ci")
    expect(asked.stderr).not.toContain("no other one")
    expect(await logIn(clientId, first)).toBe(0)
    await ok([...revoke, "--yes"])
    expect([await logIn(clientId, first), await logIn(clientId, second)]).toEqual([3, 0])
    expect(await ok(own("list", "ci"))).not.toContain(old?.id)
    expect(await json([...revoke, "--yes"])).toMatchObject({ id: old?.id, isClientSecretRevoked: true })
    await ok(revoke)
  })

  it("the last one that works is named as such before it is revoked", async () => {
    await ok(["identities", "create", "lonely", "--client-secret-ttl", "0"])
    const [only] = await json(own("list", "lonely"))
    const asked = await coffer(own("revoke", "lonely", only.id))
    expect(asked).toMatchObject({ exitCode: 2 })
    expect(asked.stderr).toContain("it has no other one that works")
    await ok(own("revoke", "lonely", only.id, "--yes"))
    expect(await coffer(own("list", "lonely"))).toMatchObject({
      exitCode: 0,
      stdout: "",
      stderr: expect.stringContaining("No client secret of lonely is left."),
    })
  })

  it("a limit of uses is kept and shown, and JSON and a Secret hold both halves of the login", async () => {
    await ok(["identities", "create", "once"])
    const made = await json(own("create", "once", "--max-uses", "1"))
    expect(made).toMatchObject({ clientSecretData: { clientSecretNumUsesLimit: 1, description: "" } })
    expect(await logIn(made.clientId, made.clientSecret)).toBe(0)
    expect(await ok(own("list", "once"))).toMatch(/never\W+1 of 1\W+used up/)
    expect(await logIn(made.clientId, made.clientSecret)).toBe(3)
    const manifest = await ok(
      own("create", "once", "-o", "k8-secret", "--k8-secret-namespace", "apps", "--silent"),
    )
    expect(manifest).toMatch(/^apiVersion: v1\nkind: Secret\n/)
    expect(manifest).toMatch(
      new RegExp(`\\n {2}clientId: ${made.clientId}\\n {2}clientSecret: "?[0-9a-f]{64}"?\\n$`),
    )
  })

  it("what is no id, or the id of nothing, is refused, and never repeated where it could be the secret", async () => {
    const { clientSecret } = await json(["identities", "create", "careful"])
    const mistaken = await coffer(own("revoke", "careful", clientSecret, "--yes"))
    expect(mistaken).toMatchObject({ exitCode: 2, stdout: "" })
    expect(mistaken.stderr).not.toContain(clientSecret)
    const id = "00000000-0000-4000-8000-000000000000"
    expect(await coffer(own("revoke", "careful", id, "--yes"))).toMatchObject({ exitCode: 5 })
    expect(await coffer(own("create", "nobody"))).toMatchObject({ exitCode: 5, stdout: "" })
  })
})

describe("identities, by the command", () => {
  const { coffer, ok, json } = commandLine()

  it("are renamed, given another role in the organization, and unlocked", async () => {
    const { identityId, clientId, clientSecret } = await json(["identities", "create", "old-name"])
    await ok(["identities", "create", "taken"])
    const taken = await coffer(["identities", "rename", "old-name", "taken"])
    expect(taken).toMatchObject({ exitCode: 6, stdout: "" })
    expect(await ok(["identities", "rename", "old-name", "new-name"])).toBe(
      "The identity is called new-name.\n",
    )
    await ok(["identities", "rename", "new-name", "new-name"])
    expect(await ok(["identities", "role", "new-name", "member"])).toBe(
      "new-name is member in the organization.\n",
    )
    expect(await json(["identities", "list", "new-name"])).toMatchObject([{ id: identityId, role: "member" }])

    const login = ["login", "--client-id", clientId, "--client-secret-file", "-", "--plain", "--silent"]
    for (let guess = 1; guess <= 3; guess += 1) await coffer(login, "0".repeat(64))
    const locked = await coffer(login, clientSecret)
    expect(locked).toMatchObject({ exitCode: 3 })
    expect(locked.stderr).toContain("temporarily locked")
    await ok(["identities", "unlock", "new-name"])
    expect((await coffer(login, clientSecret)).exitCode).toBe(0)
  })
})
