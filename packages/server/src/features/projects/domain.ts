/** Slugs of projects (contract 3.1). Pure. */
import { slugOfName } from "../../slugs.ts"

/** `slugify(name + "-" + 4 random letters and digits)`; `randomBytes` decides the ending. */
export function generateSlug(name: string, randomBytes: Uint8Array): string {
  return slugOfName(name, randomBytes, "project")
}
