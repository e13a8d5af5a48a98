/** One list out of a folder's own secrets and those it imports. */
import type { ImportedSecret, SecretList } from "@coffer/client"

export type ListedSecret = ImportedSecret & { readonly secretPath: string }

/**
 * A folder's own secret wins over every import. Among imports the last one wins, as in the Infisical
 * command line: walked from the end, the first holder of a key is kept. Ordered by key, then path.
 */
export function mergeImports(list: SecretList): readonly ListedSecret[] {
  const merged: ListedSecret[] = [...list.secrets]
  const taken = new Set(merged.map((secret) => secret.secretKey))
  for (const imported of list.imports.toReversed()) {
    const fresh = imported.secrets.filter((secret) => !taken.has(secret.secretKey))
    for (const secret of fresh) {
      taken.add(secret.secretKey)
      merged.push({ ...secret, secretPath: imported.secretPath })
    }
  }
  return merged.sort((a, b) => compare(a.secretKey, b.secretKey) || compare(a.secretPath, b.secretPath))
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
