/** What a statement may carry. Everything else is a mistake that a driver would store as something different. */
export type Bindable = string | number | bigint | null | Uint8Array

/**
 * Accepts strings, finite numbers, bigints, null and bytes. Drivers turn `undefined` into NULL, dates and booleans into
 * whatever the column takes, and a stray object into named parameters: here they are refused.
 *
 * @throws TypeError that names the position and the type of the parameter, never its value
 */
export function assertBindable(parameters: readonly unknown[]): asserts parameters is readonly Bindable[] {
  for (const [index, parameter] of parameters.entries()) {
    if (!isBindable(parameter)) {
      throw new TypeError(
        `parameter ${index + 1} of the statement is ${nameOfType(parameter)}, which no column takes`,
      )
    }
  }
}

function isBindable(value: unknown): value is Bindable {
  switch (typeof value) {
    case "string":
      // PostgreSQL has no text with a zero character; SQLite would cut it in some functions.
      return !value.includes("\0")
    case "number":
      return Number.isFinite(value)
    case "bigint":
      return true
    default:
      return value === null || value instanceof Uint8Array
  }
}

function nameOfType(value: unknown): string {
  if (typeof value === "string") return "text with a zero character"
  if (typeof value === "number") return "a number that is not finite"
  if (typeof value === "object" && value !== null)
    return `an object (${value.constructor?.name ?? "no class"})`
  return `${typeof value}`
}
