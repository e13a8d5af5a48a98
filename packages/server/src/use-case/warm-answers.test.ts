import { seededRandom } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { Session } from "../actor.ts"
import { AnswerSealer } from "../keyring/index.ts"
import type { AnswerBasis, ReadDeps } from "./read.ts"
import { WarmAnswers } from "./warm-answers.ts"

const megabyte = 1024 * 1024

/** Answers that rest on no project; nothing of a server is asked while they are kept and found. */
function aStore() {
  const deps = { clock: { now: () => 0 } } as ReadDeps
  return new WarmAnswers(deps, new AnswerSealer(seededRandom("answers")))
}

function sessionOf(id = "a1", orgId = "o1"): Session {
  return { actor: { id, orgId, epoch: 1 } } as Session
}

const basis: AnswerBasis = { actorEpoch: 1, revisions: new Map(), validUntil: Infinity, facts: [] }
const answer = (body: string) => ({ etag: "e", body, basis })

it("answers take 32 MiB of memory at most: the oldest go, the newest stay", () => {
  const answers = aStore()
  for (let n = 0; n < 40; n += 1) answers.keep(sessionOf(), `/${n}`, answer("x".repeat(megabyte)))
  const kept = Array.from({ length: 40 }, (_, n) => answers.find(sessionOf(), `/${n}`) !== undefined)
  expect(kept.filter(Boolean)).toHaveLength(31)
  expect(kept.slice(9)).toEqual(Array<boolean>(31).fill(true))
})

it("what is kept anew, or no longer holds, gives its room back", () => {
  const answers = aStore()
  for (let n = 0; n < 100; n += 1) answers.keep(sessionOf(), "/same", answer("x".repeat(megabyte)))
  for (let n = 0; n < 100; n += 1) {
    answers.keep(sessionOf(), "/over", answer("x".repeat(megabyte)))
    const later = { actor: { ...sessionOf().actor, epoch: 2 } } as Session
    expect(answers.find(later, "/over")).toBeUndefined()
  }
  for (let n = 0; n < 25; n += 1) answers.keep(sessionOf(), `/${n}`, answer("x".repeat(megabyte)))
  expect(answers.find(sessionOf(), "/same")).toBeDefined()
  expect(answers.find(sessionOf(), "/0")).toBeDefined()
})

it("small answers are counted too: there are 20,000 at most", () => {
  const answers = aStore()
  for (let n = 0; n < 20_001; n += 1) answers.keep(sessionOf(), `/${n}`, answer(""))
  expect(answers.find(sessionOf(), "/0")).toBeUndefined()
  expect(answers.find(sessionOf(), "/1")).toBeDefined()
  expect(answers.find(sessionOf(), "/20000")).toBeDefined()
})

it("an answer of more than two megabytes is not kept", () => {
  const answers = aStore()
  answers.keep(sessionOf(), "/fits", answer("x".repeat(2 * megabyte)))
  answers.keep(sessionOf(), "/large", answer("x".repeat(2 * megabyte + 1)))
  expect(answers.find(sessionOf(), "/fits")).toBeDefined()
  expect(answers.find(sessionOf(), "/large")).toBeUndefined()
})

it("an answer is found by who asked, where they are and what they asked, and by nothing else", () => {
  const answers = aStore()
  answers.keep(sessionOf(), "/a", answer("mine"))
  const found = answers.find(sessionOf(), "/a")
  expect(found && answers.open(found)).toBe("mine")
  expect(answers.find(sessionOf("a2"), "/a")).toBeUndefined()
  expect(answers.find(sessionOf("a1", "o2"), "/a")).toBeUndefined()
  expect(answers.find(sessionOf(), "/a?")).toBeUndefined()
})
