import { randomInt } from "node:crypto"

/** The seed of a run of random trials: another one each time, or what `COFFER_TEST_SEED` says, to send the same again. */
export function trialSeed(): number {
  const chosen = process.env["COFFER_TEST_SEED"]
  if (chosen === undefined) return randomInt(2 ** 31)
  const seed = Number(chosen)
  if (!Number.isSafeInteger(seed)) throw new Error("COFFER_TEST_SEED is not a whole number")
  return seed
}
