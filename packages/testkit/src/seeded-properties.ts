/**
 * Runs before each test file: property tests draw the same trials wherever the seed is given, as it is in CI
 * (`trial-seed.ts`). Elsewhere they draw new ones each time, and a failure names its seed.
 */
import { hasFixedSeed, trialSeed } from "./trial-seed.ts"

if (hasFixedSeed()) {
  const { default: fc } = await import("fast-check")
  fc.configureGlobal({ seed: trialSeed() })
}
