/** Slugs that somebody chooses: what is wrong with one is said before the server is asked, and by the flag's name. */
import { CommandError } from "./command-error.ts"

// What servers accept (contract 3.1): a project that exists may be called what a new one may not.
const rules = {
  "new-project": { min: 5, max: 36, separators: "single dashes", pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/ },
  "renamed-project": {
    min: 1,
    max: 64,
    separators: "single dashes or underscores",
    pattern: /^[a-z0-9]+([-_][a-z0-9]+)*$/,
  },
  other: { min: 1, max: 64, separators: "single dashes", pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/ },
} as const

/**
 * The parser of a flag or an argument that takes a slug which somebody chooses.
 *
 * @param field as the command line names it, such as `--slug`
 * @throws CommandError "invalid" with the rule
 */
export function slugFor(kind: keyof typeof rules, field: string): (text: string) => string {
  const { min, max, separators, pattern } = rules[kind]
  return (text) => {
    if (text.length >= min && text.length <= max && pattern.test(text)) return text
    const count = min === 1 ? `at most ${max}` : `${min} to ${max}`
    const what = `expected ${count} lower-case letters and digits, with ${separators} between them`
    throw new CommandError("invalid", `${field}: ${what}`)
  }
}
