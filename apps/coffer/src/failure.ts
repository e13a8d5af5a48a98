/** The boundary where errors become an exit code and one line. */
import { type ApiErrorKind, isApiError } from "@coffer/client"
import { CommanderError } from "commander"
import { CommandError } from "./command-error.ts"
import type { FailureKind } from "./exit-codes.ts"

export type Failure = {
  readonly kind: FailureKind
  readonly message: string
  /** Stable name of the error, for programs. */
  readonly code?: string
  readonly requestId?: string
}

const kindOfApiError = {
  invalid: "invalid",
  unauthenticated: "unauthenticated",
  forbidden: "forbidden",
  "not-found": "not-found",
  conflict: "conflict",
  "rate-limited": "unavailable",
  unavailable: "unavailable",
  unexpected: "unexpected",
} as const satisfies Record<ApiErrorKind, FailureKind>

const hints: Partial<Record<FailureKind, string>> = {
  unauthenticated: "log in with 'coffer login', or set INFISICAL_TOKEN",
  unavailable: "is the server running, and is --domain right?",
}

/** Where the names are that a server did not find, in the words of the contract. */
const listsOf: readonly (readonly [RegExp, string])[] = [
  [/^Project with slug /, "'coffer projects list' shows yours"],
  [/^Environment with slug /, "'coffer environments list' shows them"],
  [/^Folder with path /, "'coffer folders list' shows them"],
  [/^Group '/, "'coffer groups list' shows them"],
  [/^The organization has no OpenID provider$/, "'coffer sso set' sets one"],
]

/**
 * What a command that threw tells its user.
 *
 * @param commandName as it was typed, "coffer secrets get": who wrote it wrongly is sent to its help
 * @param explanation the command that tells why the rules refused this
 */
export function describeFailure(error: unknown, commandName: string, explanation?: string): Failure {
  if (error instanceof CommandError) return { kind: error.kind, message: error.message }
  if (error instanceof CommanderError) {
    const said = error.message.replace(/^error: /, "").replace(/\.$/, "")
    const dash = /^unknown option '-(?!-)/.test(said)
      ? `; what begins with a dash and is no option comes after "--"`
      : ""
    return { kind: "invalid", message: `${said}${dash}; see '${commandName} --help'` }
  }
  if (isApiError(error)) {
    const kind = kindOfApiError[error.kind]
    const why = explanation === undefined ? undefined : `why: ${explanation}`
    const list = listsOf.find(([text]) => kind === "not-found" && text.test(error.message))?.[1]
    const hint = kind === "unauthenticated" && !error.hadToken ? undefined : (why ?? list ?? hints[kind])
    return {
      kind,
      message: hint === undefined ? error.message : `${error.message} (${hint})`,
      code: error.code,
      ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    }
  }
  if (isAbort(error)) return { kind: "interrupted", message: "interrupted" }
  return { kind: "unexpected", message: error instanceof Error ? error.message : String(error) }
}

/** One line for a person, one JSON object for a program that asked for JSON. */
export function renderFailure(failure: Failure, isJson: boolean): string {
  if (isJson) return JSON.stringify({ error: failure })
  const request = failure.requestId === undefined ? "" : ` [${failure.requestId}]`
  return `error: ${failure.message.replaceAll("\n", " ")}${request}`
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError"
}
