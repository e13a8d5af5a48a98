/** A refusal by the command itself, before or after the server was asked. */
import type { FailureKind } from "./exit-codes.ts"

/**
 * @param kind decides the exit code
 * @param message one line that names the field and the fix; never a value, a token or a password
 */
export class CommandError extends Error {
  override readonly name = "CommandError"
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
