/** What the exit code of the command says. Part of the public interface: codes are never given a new meaning. */

export type FailureKind =
  | "unexpected"
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "unavailable"
  | "check-failed"
  | "interrupted"

type ExitCode = { readonly code: number; readonly meaning: string }

export const SUCCESS: ExitCode = { code: 0, meaning: "success" }

export const exitCodes = {
  unexpected: { code: 1, meaning: "something nobody foresaw; please report it" },
  invalid: { code: 2, meaning: "a flag, an argument, a variable or the input is wrong" },
  unauthenticated: { code: 3, meaning: "not logged in, or the credentials were refused" },
  forbidden: { code: 4, meaning: "logged in, but without the right to do this" },
  "not-found": { code: 5, meaning: "the project, environment, folder or secret does not exist" },
  conflict: { code: 6, meaning: "it exists already, or was changed by someone else at the same time" },
  unavailable: {
    code: 7,
    meaning: "the server or the cluster cannot be reached, is too slow, or asks to wait",
  },
  "check-failed": {
    code: 8,
    meaning:
      "a check ran and found a difference (smoke-test, audit verify, audit streams test, webhooks test, sso test)",
  },
  interrupted: { code: 130, meaning: "stopped by Ctrl-C, SIGTERM, or Cancel on a page in the browser" },
} as const satisfies Record<FailureKind, ExitCode>

/** The table as it stands in `coffer --help`. */
export function renderExitCodes(): string {
  const rows = [SUCCESS, ...Object.values(exitCodes)]
  return ["Exit codes:", ...rows.map((row) => `  ${String(row.code).padStart(3)}  ${row.meaning}`)].join("\n")
}
