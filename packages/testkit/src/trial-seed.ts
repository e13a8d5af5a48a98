import { randomInt } from "node:crypto"

/** For continuous integration, where a verdict has to depend on the change and on nothing else. */
const SEED_OF_CI = 20_260_101

/** Whether every call of {@link trialSeed} gives the same seed, in this run and in the next. */
export function hasFixedSeed(): boolean {
  return process.env["COFFER_TEST_SEED"] !== undefined || process.env["CI"] === "true"
}

/**
 * The seed of a run of random trials: what `COFFER_TEST_SEED` says, to send the same again; otherwise always the same
 * where `CI=true`, and another one each time everywhere else, where new trials are wanted and a red one costs nobody's
 * merge.
 */
export function trialSeed(): number {
  const chosen = process.env["COFFER_TEST_SEED"]
  if (chosen === undefined) return process.env["CI"] === "true" ? SEED_OF_CI : randomInt(2 ** 31)
  const seed = Number(chosen)
  if (!Number.isSafeInteger(seed)) throw new Error("COFFER_TEST_SEED is not a whole number")
  return seed
}
