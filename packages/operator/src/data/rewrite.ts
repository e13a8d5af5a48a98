/** `dataFrom[].rewrite`: operations on the keys that a find or an extract returned, applied one after another. */
import type { RewriteOperation } from "../api/external-secret.ts"
import { compileRegexp } from "../go/regexp.ts"
import type { SecretData } from "./keys.ts"
import { mergeObjects } from "./merge.ts"

class RewriteError extends Error {}

/** Applies all operations in order. Throws {@link RewriteError} or a regexp or merge error. */
export function rewriteKeys(operations: readonly RewriteOperation[], data: SecretData): SecretData {
  return operations.reduce(applyOperation, data)
}

function applyOperation(data: SecretData, operation: RewriteOperation): SecretData {
  if (operation.merge) return mergeObjects(operation.merge, data)
  if (operation.regexp) {
    const { source, target } = operation.regexp
    const regexp = compileRegexp(source)
    return new Map([...data].map(([key, value]) => [regexp.replaceAll(key, target), value]))
  }
  throw new RewriteError("this release of Coffer does not yet render rewrite.transform templates")
}
