import { CommandError } from "./command-error.ts"

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const longestSeconds = 315_360_000

/**
 * What people write for how long a credential lives: `90d`, `12h`, `30m`, `60s`, or seconds alone; 0 = for ever.
 *
 * @returns seconds
 * @throws CommandError "invalid"
 */
export function parseLifetime(flag: string, text: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text.trim())
  const seconds = Number(match?.[1]) * unitSeconds[(match?.[2] || "s") as keyof typeof unitSeconds]
  if (match !== null && seconds <= longestSeconds) return seconds
  throw new CommandError(
    "invalid",
    `${flag}: expected a lifetime such as 90d, 12h, 30m or 3600 (seconds), ten years at most; 0 = for ever`,
  )
}
