import { hash } from "node:crypto"
import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { checkOf, commandUrl } from "./domain.ts"
import { codeRefusedText, readCode, sealCode } from "./login-code.ts"
import { takeCode } from "./store.ts"

const verifier = "what only the command knows"
const challenge = hash("sha256", verifier, "hex")
const of = { userId: "u1", challenge, extra: "basis" }

type Shown = { readonly code?: string; readonly verifier?: string; readonly method?: "oidc" | "passkey" }

/** Why a code is not exchanged; what it says when it is. */
async function read(storage: TestStorage, code: string, shown: Shown = {}) {
  const refuse = async (sealed: { readonly userId: string }, problem: string): Promise<never> => {
    throw new Error(`${problem} of ${sealed.userId}`)
  }
  const by = { method: shown.method ?? "oidc", refuse }
  try {
    return await readCode<{ readonly extra: string }>(
      storage,
      { code, verifier: shown.verifier ?? verifier },
      by,
    )
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describeDatabase("sqlite", "the code of a login by a browser", (open) => {
  it("says for whom it is to the command that knows the verifier, until two minutes are over", async () => {
    const storage = await open()
    const code = sealCode(storage, "oidc", of)
    expect(await read(storage, code)).toMatchObject({ userId: "u1", extra: "basis", challenge })
    storage.clock.advance(119_999)
    expect(await read(storage, code)).toMatchObject({ userId: "u1" })
    storage.clock.advance(1)
    expect(await read(storage, code)).toBe("code-late of u1")
    // That it is late is said first: whoever finds it later learns nothing by trying verifiers.
    expect(await read(storage, code, { verifier: "wrong" })).toBe("code-late of u1")
  })

  it("is worth nothing without the verifier, in whatever form", async () => {
    const storage = await open()
    const code = sealCode(storage, "oidc", of)
    for (const wrong of ["", "wrong", challenge, `${verifier} `, verifier.toUpperCase()]) {
      expect(await read(storage, code, { verifier: wrong })).toBe("wrong-verifier of u1")
    }
    const unbound = sealCode(storage, "oidc", { ...of, challenge: "" })
    expect(await read(storage, unbound)).toBe("wrong-verifier of u1")
  })

  it("of one method opens nothing as a code of another, and nothing that this server did not make opens", async () => {
    const storage = await open()
    const [oidc, passkey] = [sealCode(storage, "oidc", of), sealCode(storage, "passkey", of)]
    expect(await read(storage, passkey, { method: "passkey" })).toMatchObject({ userId: "u1" })
    expect(await read(storage, oidc, { method: "passkey" })).toBe(codeRefusedText)
    expect(await read(storage, passkey)).toBe(codeRefusedText)
    const flipped = `${oidc.slice(0, -4)}${oidc.at(-4) === "A" ? "B" : "A"}${oidc.slice(-3)}`
    const another = await open()
    for (const code of ["", "no code", flipped, oidc.slice(1), sealCode(another, "oidc", of)]) {
      expect(await read(storage, code)).toBe(codeRefusedText)
    }
  })

  it("is used up once, whatever else is, and two codes are never one", async () => {
    const storage = await open()
    const [first, second] = [sealCode(storage, "oidc", of), sealCode(storage, "oidc", of)]
    const opened = await Promise.all([read(storage, first), read(storage, second)])
    const [one, other] = opened.map((code) => (typeof code === "string" ? undefined : code))
    if (one === undefined || other === undefined) throw new Error("the codes did not open")
    const take = (code: typeof one) => storage.database.write(({ db }) => takeCode(db, code))
    expect([await take(one), await take(one), await take(other), await take(other)]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })

  it("leads to this machine of the browser alone, with nothing that the page did not mean", () => {
    const url = new URL(commandUrl({ port: 4711, state: "s&error=x#y" }, { code: "a+b/c" }))
    expect([url.protocol, url.hostname, url.port, url.pathname, url.hash]).toEqual([
      "http:",
      "127.0.0.1",
      "4711",
      "/",
      "",
    ])
    expect(Object.fromEntries(url.searchParams)).toEqual({ code: "a+b/c", state: "s&error=x#y" })
    expect(checkOf({ challenge: "0123456789abcdef" })).toBe("0123-4567")
  })
})
