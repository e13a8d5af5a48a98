/** Waits until the probe returns something truthy; fails with the description after the bound. */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  boundMs = 20_000,
): Promise<T> {
  const endMs = performance.now() + boundMs
  for (;;) {
    const value = await probe()
    if (value) return value
    if (performance.now() > endMs) throw new Error(`waited ${boundMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
