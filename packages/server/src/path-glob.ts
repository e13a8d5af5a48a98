/**
 * Folder paths and the patterns that select them: `*` and `?` within one segment, `**` for any number of segments
 * (also none, so `/a/**` selects `/a`). The time to match grows with pattern times path, whatever a hostile pattern
 * says, which is why no regular expression is made.
 */

/** True when the pattern, or the plain path, selects `path`. Both are canonical: absolute, no trailing slash. */
export function matchesPathGlob(pattern: string, path: string): boolean {
  if (pattern === path) return true
  if (!isPathGlob(pattern)) return false
  return matchParts(segmentsOf(pattern), segmentsOf(path), {
    isAny: (segment) => segment === "**",
    matches: matchesSegment,
  })
}

/** True when the text selects more than the path it spells. */
function isPathGlob(pattern: string): boolean {
  return /[*?]/.test(pattern)
}

function segmentsOf(path: string): readonly string[] {
  return path.split("/").filter((segment) => segment !== "")
}

function matchesSegment(pattern: string, name: string): boolean {
  return matchParts([...pattern], [...name], {
    isAny: (character) => character === "*",
    matches: (expected, character) => expected === "?" || expected === character,
  })
}

type Rules = {
  isAny(part: string): boolean
  matches(pattern: string, part: string): boolean
}

/** Remembers the newest "any" alone: giving an earlier one more could not help, so the work is at most m times n. */
function matchParts(pattern: readonly string[], parts: readonly string[], rules: Rules): boolean {
  let at = 0
  let next = 0
  let any: { readonly after: number; taken: number } | undefined
  while (next < parts.length) {
    const expected = pattern[at]
    const part = parts[next] ?? ""
    if (expected !== undefined && rules.isAny(expected)) {
      at += 1
      any = { after: at, taken: next }
    } else if (expected !== undefined && rules.matches(expected, part)) {
      at += 1
      next += 1
    } else if (any === undefined) {
      return false
    } else {
      any.taken += 1
      next = any.taken
      at = any.after
    }
  }
  return pattern.slice(at).every((rest) => rules.isAny(rest))
}
