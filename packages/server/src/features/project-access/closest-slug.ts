import slugify from "@sindresorhus/slugify"

export type SlugCandidate = { readonly slug: string; readonly name: string }

const maxTypos = 2
/** A shorter one could be the beginning of anything. */
const minBeginning = 3

/**
 * The slug that was probably meant by `wanted`: of the project whose name reads like it, whose slug only adds the
 * random ending, whose slug differs by a typo or two, or begins with it. `undefined` when none is close or several are equally close.
 */
export function closestSlug(wanted: string, candidates: readonly SlugCandidate[]): string | undefined {
  const canonical = slugify(wanted)
  const tests: readonly ((candidate: SlugCandidate) => boolean)[] = [
    (candidate) => candidate.slug === canonical,
    (candidate) => candidate.name === wanted || slugify(candidate.name) === canonical,
    (candidate) =>
      candidate.slug.startsWith(`${canonical}-`) && candidate.slug.length === canonical.length + 5,
    (candidate) => isWithinTypos(candidate.slug, canonical),
    (candidate) => canonical.length >= minBeginning && candidate.slug.startsWith(`${canonical}-`),
  ]
  for (const test of tests) {
    const close = candidates.filter(test)
    if (close.length > 0) return close.length === 1 ? close[0]?.slug : undefined
  }
  return undefined
}

function isWithinTypos(left: string, right: string): boolean {
  if (right.length <= maxTypos * 2 || Math.abs(left.length - right.length) > maxTypos) return false
  return editDistance(left, right) <= maxTypos
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= right.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[right.length] ?? 0
}
