/** What every command is given. Time, randomness, network and terminal come from here and nowhere else. */
import type { CommandConfig } from "./config.ts"
import type { Terminal } from "./terminal.ts"

export type CommandContext = {
  readonly config: CommandConfig
  readonly terminal: Terminal
  readonly fetch: typeof fetch
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** In [0, 1); spreads retries. */
  readonly random: () => number
  /** Unpredictable bytes. */
  readonly randomBytes: (size: number) => Uint8Array
  /** Opens a page in the person's browser; false when there is none that could show it. */
  readonly openBrowser: (url: URL) => boolean
  /** Short, unique, safe in a file name. */
  readonly newId: () => string
  /** Aborted by the first Ctrl-C or SIGTERM; commands tidy up and end. */
  readonly signal: AbortSignal
}
