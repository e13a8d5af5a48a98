/** Commands that wait for a browser. Pure. */

/** A command that waits for the end of a login at a port of its own machine. */
export type WaitingCommand = {
  readonly port: number
  readonly state: string
  /** SHA-256 of what only the command knows, in hex. */
  readonly challenge: string
}

/** From the page that a person confirms until the command has exchanged its code. */
export const codeLifetimeMs = 2 * 60 * 1_000

/** What terminal and page both show, so that nobody confirms the login of a command that is not theirs. */
export function checkOf({ challenge }: Pick<WaitingCommand, "challenge">): string {
  return `${challenge.slice(0, 4)}-${challenge.slice(4, 8)}`
}

/** Where the page leads: always this machine of the browser, at a port that the command chose. */
export function commandUrl(
  { port, state }: Pick<WaitingCommand, "port" | "state">,
  end: { readonly code?: string; readonly error?: "refused" | "cancelled" },
): string {
  return `http://127.0.0.1:${port}/?${new URLSearchParams({ ...end, state })}`
}
