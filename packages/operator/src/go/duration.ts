/**
 * Go durations as `time.ParseDuration` reads them: an optional sign, then numbers with units
 * (`ns`, `us`/`µs`, `ms`, `s`, `m`, `h`), fractions allowed, or a bare `0`.
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}
const MAX_MS = 9_223_372_036_854 // int64 nanoseconds

export class DurationError extends Error {}

/** Parses a Go duration into milliseconds. Throws {@link DurationError} with Go's wording. */
export function parseDuration(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1
  const body = text.replace(/^[-+]/, "")
  if (body === "0") return 0
  if (body === "") throw new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
  let rest = body
  let totalMs = 0
  while (rest !== "") {
    const part = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest)
    if (!part || `${part[1]}${part[2] ?? ""}` === "")
      throw new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
    totalMs += Number(`${part[1] || "0"}.${part[2] || "0"}`) * unitMs(part[3] ?? "", text)
    rest = rest.slice(part[0].length)
  }
  if (totalMs > MAX_MS) throw new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
  return sign * totalMs
}

function unitMs(unit: string, text: string): number {
  if (unit === "") throw new DurationError(`time: missing unit in duration ${JSON.stringify(text)}`)
  const ms = UNIT_MS[unit]
  if (ms === undefined)
    throw new DurationError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`)
  return ms
}
