/** Values that a list does not show, because its caller may not read them (ADR 0012). */
import { hiddenSecretValue } from "@coffer/contract"
import { CommandError } from "./command-error.ts"

type Listed = { readonly secretKey: string; readonly secretValue: string }

/** Whether the value is a placeholder. */
export function isHidden({ secretValue }: Listed): boolean {
  return secretValue === hiddenSecretValue
}

/**
 * For output that a program reads: a placeholder would be taken for the value.
 *
 * @throws CommandError as {@link refuseUnreadable}
 */
export function requireReadable(secrets: readonly Listed[], outcome: string): void {
  refuseUnreadable(secrets.filter(isHidden), outcome)
}

/**
 * @param outcome what happened instead of what was asked for, as "nothing was exported"
 * @throws CommandError "forbidden" naming the secrets, if there are any
 */
export function refuseUnreadable(secrets: readonly Pick<Listed, "secretKey">[], outcome: string): void {
  if (secrets.length === 0) return
  const names = secrets.slice(0, 10).map((secret) => secret.secretKey)
  const more = secrets.length > names.length ? " and more" : ""
  throw new CommandError("forbidden", `you may not read the values of ${names.join(", ")}${more}; ${outcome}`)
}
