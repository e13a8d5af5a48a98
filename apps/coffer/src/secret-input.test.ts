import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { CommandContext } from "./context.ts"
import { type CredentialRequest, readCredential, refuseStdinTwice } from "./secret-input.ts"
import { SecretText } from "./secret-text.ts"

/** Answers each question with the next of the answers, and keeps what was asked and noted. */
function aContext(answers: readonly string[], stdin = "") {
  const asked: string[] = []
  const notes: string[] = []
  const terminal = {
    readInput: async () => stdin,
    note: (text: string) => void notes.push(text),
    askHidden: async (question: string, field: string) =>
      new SecretText(answers[asked.push(`${question} / ${field}`) - 1] ?? ""),
  }
  return { context: { terminal } as unknown as CommandContext, asked, notes }
}

describe("a credential", () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-secret-input-"))
    await writeFile(join(folder, "given"), "from the file\n")
    await writeFile(join(folder, "empty"), "\n")
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const everywhere = (): CredentialRequest => ({
    question: "Password",
    argument: ["--password", "from the argument"],
    file: ["--password-file", join(folder, "given")],
    variable: ["INFISICAL_PASSWORD", new SecretText("from the variable")],
  })

  it("comes from the argument, the file, the variable and the person, in this order", async () => {
    const { context, asked, notes } = aContext(["from the person"])
    const read = async (change: Partial<CredentialRequest>) =>
      (await readCredential(context, { ...everywhere(), ...change })).reveal()
    const noArgument = { argument: ["--password", undefined] } as const
    const noFile = { ...noArgument, file: ["--password-file", undefined] } as const
    expect(await read({})).toBe("from the argument")
    expect(await read(noArgument)).toBe("from the file")
    expect(await read(noFile)).toBe("from the variable")
    expect(await read({ ...noFile, variable: ["INFISICAL_PASSWORD", undefined] })).toBe("from the person")
    expect(asked).toEqual(["Password / --password-file (or INFISICAL_PASSWORD)"])
    expect(notes).toEqual([
      "warning: other users of this machine can see --password; prefer --password-file or INFISICAL_PASSWORD",
    ])
  })

  it("comes from stdin where the file is called -", async () => {
    const { context } = aContext([], " from stdin\n")
    const request: CredentialRequest = { question: "Code", file: ["--code-file", "-"] }
    expect((await readCredential(context, request)).reveal()).toBe("from stdin")
  })

  it.for([
    { what: "an empty argument", change: { argument: ["--password", ""] }, message: "--password is empty" },
    { what: "an empty file", change: { file: "empty" }, message: "--password-file is empty" },
    { what: "a file that is not there", change: { file: "gone" }, message: /--password-file: .* be read/ },
    { what: "an empty answer", change: {}, message: "--password-file is empty" },
  ] as const)("$what is refused by the flag's name", async ({ change, message }) => {
    const { context } = aContext([""])
    const file = "file" in change ? join(folder, change.file) : undefined
    const argument = "argument" in change ? { argument: change.argument } : {}
    const request: CredentialRequest = { question: "Password", ...argument, file: ["--password-file", file] }
    await expect(readCredential(context, request)).rejects.toMatchObject({
      kind: "invalid",
      message: typeof message === "string" ? message : expect.stringMatching(message),
    })
  })

  it("that is being set is asked for twice, and taken if the answers are the same", async () => {
    const request: CredentialRequest = {
      question: "Password",
      file: ["--password-file", undefined],
      confirm: true,
    }
    const same = aContext(["one", "one"])
    expect((await readCredential(same.context, request)).reveal()).toBe("one")
    expect(same.asked).toEqual(["Password / --password-file", "Password again / --password-file"])
    await expect(readCredential(aContext(["one", "two"]).context, request)).rejects.toThrow(
      "the two answers differ",
    )
  })
})

describe("stdin", () => {
  it("can be read by one flag", () => {
    const once = () => refuseStdinTwice(["--token-file", "-"], ["--password-file", "file"])
    const twice = () => refuseStdinTwice(["--token-file", "-"], ["--a", undefined], ["--password-file", "-"])
    expect(once).not.toThrow()
    expect(twice).toThrow("--token-file and --password-file cannot both be stdin")
  })
})
