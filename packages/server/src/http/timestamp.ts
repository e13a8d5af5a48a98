/** ISO-8601 UTC with milliseconds, as every answer shows times (contract 0.2). */
export function isoTime(millis: number): string {
  return new Date(millis).toISOString()
}
