import { afterEach } from "vitest"

type Closable = { close(): unknown }

/** @returns a function that keeps what a test opens, and hands it back; after the test it is closed, newest first */
export function closeAfterEach(): <Opened extends Closable>(one: Opened) => Opened {
  const open: Closable[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close()
  })
  return (one) => {
    open.push(one)
    return one
  }
}
