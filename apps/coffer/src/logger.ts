/** The log of the two long-running commands: JSON lines on stdout. */
import { type Logger, pino } from "pino"
import { CommandError } from "./command-error.ts"

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"]

/** The last net under types and presenters: fields of these names are never written, wherever they turn up. */
const secretFields = [
  "token",
  "accessToken",
  "clientSecret",
  "secretValue",
  "password",
  "authorization",
  "setupToken",
]

/** @throws CommandError "invalid" for a level that does not exist */
export function createLogger(name: string, level: string): Logger {
  if (!LEVELS.includes(level)) {
    throw new CommandError("invalid", `--loglevel: expected one of ${LEVELS.join(", ")}`)
  }
  return pino({
    name,
    level,
    redact: {
      paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: "[secret]",
    },
  })
}
