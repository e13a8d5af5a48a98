import { describeDatabase } from "@coffer/testkit"
import { type AtAStand, atAStand } from "./client-stand.ts"
import { gotchasOfAccess } from "./gotchas/of-access.ts"
import { gotchasOfAnswers } from "./gotchas/of-answers.ts"
import { gotchasOfWrites } from "./gotchas/of-writes.ts"

/** One test for each gotcha of the contract's section 9, named by it, on either database. */
export function describeGotchas(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "gotchas of the contract", (open) => {
    const at: AtAStand = (run, of) => () => atAStand(open, run, of)
    gotchasOfAnswers(at)
    gotchasOfWrites(at)
    gotchasOfAccess(at)
  })
}
