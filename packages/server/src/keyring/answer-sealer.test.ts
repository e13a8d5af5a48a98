import { seededRandom } from "@coffer/testkit"
import { expect, it } from "vitest"
import { AnswerSealer } from "./answer-sealer.ts"

const sealer = () => new AnswerSealer(seededRandom("answers"))

it("an answer opens under its name, whatever characters it has", () => {
  const answers = sealer()
  for (const answer of ["", "{}", `{"secretValue":"pässwörd 🔑 \\u0000"}`]) {
    expect(answers.open("alice GET /a", answers.seal("alice GET /a", answer))).toBe(answer)
  }
})

it("an answer that was moved does not open, nor one that was changed, nor under another key", () => {
  const answers = sealer()
  const sealed = answers.seal("alice GET /a", "secret")
  expect(() => answers.open("bob GET /a", sealed)).toThrow()
  const ciphertext = Uint8Array.from(sealed.ciphertext)
  ciphertext[0] = (ciphertext[0] ?? 0) ^ 1
  expect(() => answers.open("alice GET /a", { ...sealed, ciphertext })).toThrow()
  expect(() => new AnswerSealer(seededRandom("others")).open("alice GET /a", sealed)).toThrow()
})

it("no nonce comes twice, and what waits in memory is not in the clear", () => {
  const answers = sealer()
  const sealed = Array.from({ length: 1_000 }, () => answers.seal("name", "the same secret"))
  expect(new Set(sealed.map(({ nonce }) => Buffer.from(nonce).toString("hex"))).size).toBe(1_000)
  expect(sealed.every(({ ciphertext }) => !Buffer.from(ciphertext).includes("secret"))).toBe(true)
})
