/** How a command takes in a code of a second factor: a one-time password, or a recovery code. */
import { isApiError } from "@coffer/client"
import type { CommandContext } from "./context.ts"
import type { SecretText } from "./secret-text.ts"

const tries = 3

/**
 * Asks a person for a code until one is accepted, three times at most: a person may mistype.
 *
 * @param show hands the code to the server
 * @throws ApiError of the last try
 */
export async function askForCode<Accepted>(
  context: CommandContext,
  ask: () => Promise<SecretText>,
  show: (code: SecretText) => Promise<Accepted>,
): Promise<Accepted> {
  for (let left = tries - 1; ; left -= 1) {
    const code = await ask()
    try {
      return await show(code)
    } catch (error) {
      if (!isApiError(error, "forbidden", "invalid") || left === 0) throw error
      context.terminal.note(error.message)
    }
  }
}
