/** Slugs made of names (contract 3.1). Pure. */
import slugify from "@sindresorhus/slugify"

const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
const endingLength = 4
const maxNamePart = 59

/**
 * `slugify(name + "-" + 4 random letters and digits)`; `randomBytes` decides the ending.
 *
 * @param whenEmpty stands in for a name of which no letter is left
 */
export function slugOfName(name: string, randomBytes: Uint8Array, whenEmpty: string): string {
  const ending = [...randomBytes.slice(0, endingLength)]
    .map((byte) => alphabet[byte % alphabet.length])
    .join("")
  const base = slugify(name).slice(0, maxNamePart).replace(/-+$/, "")
  return `${base === "" ? whenEmpty : base}-${ending}`
}
