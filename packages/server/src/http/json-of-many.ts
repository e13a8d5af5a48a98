import { TimeSlices } from "../time-slices.ts"

/**
 * The JSON of an array, written in slices between which others are served: a list of 100,000 secrets is 70 MB.
 *
 * @param present what stands in the array for an item
 */
export async function jsonOfMany<T>(items: readonly T[], present: (item: T) => object): Promise<string> {
  const slices = new TimeSlices()
  const parts: string[] = []
  for (const item of items) {
    parts.push(JSON.stringify(present(item)))
    const pause = slices.spend()
    if (pause !== undefined) await pause
  }
  return `[${parts.join()}]`
}
