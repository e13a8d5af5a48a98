/** "1 secret", "2 secrets"; for nouns whose plural ends in -s. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}
