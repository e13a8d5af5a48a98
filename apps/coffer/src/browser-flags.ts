/** The values of the flags of commands that have something done in a browser. */
import { CommandError } from "./command-error.ts"

/** @throws CommandError "invalid" unless it is a port that needs no privilege */
export function aPort(text: string): number {
  const port = /^\d{4,5}$/.test(text) ? Number(text) : 0
  if (port >= 1_024 && port <= 65_535) return port
  throw new CommandError("invalid", "--port: expected a port from 1024 to 65535")
}

/** @throws CommandError "invalid" unless it is at most an hour */
export function someSeconds(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= 3_600) return seconds
  throw new CommandError("invalid", "--timeout: expected a whole number of seconds from 1 to 3600")
}
