import { CommandError } from "./command-error.ts"

/** What people can do something about; the rest is told by its code. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
}

/**
 * The error for a file that a command was told to read.
 *
 * @param what the field and the file, "--password-file: admin.txt"
 */
export function unreadableFile(what: string, cause: unknown): CommandError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason"
  return new CommandError("invalid", `${what} cannot be read: ${reasons[code] ?? code}`, { cause })
}
