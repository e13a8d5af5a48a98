import { createServer } from "node:net"
import { ControlPlaneError } from "../errors.ts"

const maxAttempts = 5

/**
 * Returns a loopback TCP port that was free a moment ago. Somebody else may take it before it is bound, so
 * whoever uses it goes through {@link retryOnTakenPort}.
 */
export function chooseFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => {
        if (address && typeof address === "object") resolve(address.port)
        else reject(new ControlPlaneError("ports-taken", "no free port on the loopback interface"))
      })
    })
  })
}

/** Thrown by an attempt whose port turned out to be taken. */
export class PortTakenError extends Error {}

/** Runs `attempt` with a new port until one is not taken; throws `ports-taken` after five. */
export async function retryOnTakenPort<T>(attempt: (port: number, round: number) => Promise<T>): Promise<T> {
  for (let round = 1; round <= maxAttempts; round += 1) {
    try {
      return await attempt(await chooseFreePort(), round)
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error
    }
  }
  throw new ControlPlaneError(
    "ports-taken",
    `${maxAttempts} ports in a row were taken before they were bound`,
  )
}
