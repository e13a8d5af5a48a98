/** Commands that wait for a browser: what they send with it, and what they bring back; Coffer's own routes. */
import { z } from "zod"
import { requiredText } from "./fields.ts"
import { answerPasskeyBody, passkeyOptionsAnswer } from "./people.ts"

/** Base64url of 32 random bytes. */
const unguessable = z.string().regex(/^[\w-]{43}$/, "must be 43 characters of base64url")

/** A command that listens at `port` of 127.0.0.1. */
const waiting = {
  port: z
    .string()
    .regex(/^[1-9]\d{3,4}$/, "must be a port from 1024 to 65535")
    .transform(Number)
    .refine((port) => port >= 1_024 && port <= 65_535, "must be a port from 1024 to 65535"),
  /** Comes back unchanged: the command knows its own login by it. */
  state: unguessable,
}

/**
 * GET /coffer/v1/sso/oidc/:organizationSlug/command-login and /coffer/v1/auth/passkey/command-login, opened in a browser
 * by a command. Its page leads back there with a one-time code and the `state`.
 */
export const commandLoginQuery = z.object({
  ...waiting,
  /** SHA-256 of the command's verifier, in hex. */
  challenge: z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hex"),
})
export type CommandLogin = z.output<typeof commandLoginQuery>

/**
 * POST /coffer/v1/sso/oidc/command-token and /coffer/v1/auth/passkey/command-token: the code that the browser brought,
 * and what its challenge was made from.
 */
export const commandTokenBody = z.object({ code: requiredText.max(4_096), verifier: unguessable })
export type CommandTokenBody = z.input<typeof commandTokenBody>

/** GET /coffer/v1/auth/passkey: where a browser uses passkeys for a command. */
export const passkeyPagesAnswer = z.object({ commandLoginUrl: z.string(), addPasskeyUrl: z.string() })
export type PasskeyPagesAnswer = z.infer<typeof passkeyPagesAnswer>

/** POST /coffer/v1/auth/passkey/command-code, by the page: an answer to the question of a login, and the waiting command. */
export const passkeyCodeBody = answerPasskeyBody.extend({ command: commandLoginQuery })
/** Who would be logged in, and where the page leads once that person follows. */
export const passkeyCodeAnswer = z.object({ email: z.string(), commandUrl: z.string() })

/**
 * GET /coffer/v1/auth/passkey/add, opened in a browser by a command that begins to add a passkey. `ticket` is the
 * `challengeToken` that the command got; it gives nobody a right, and the command keeps it too.
 */
export const addPasskeyQuery = z.object({
  ...waiting,
  ticket: z
    .string()
    .regex(/^[\w-]+(\.[\w-]+){2}$/, "must be a challengeToken")
    .max(2_048),
})
export type AddPasskeyPage = z.output<typeof addPasskeyQuery>

/** POST /coffer/v1/auth/passkey/add-options, by that page. */
export const addPasskeyOptionsBody = addPasskeyQuery.pick({ ticket: true })
/** For whom a passkey is added, and what the browser is asked. */
export const addPasskeyOptionsAnswer = passkeyOptionsAnswer
  .pick({ options: true })
  .extend({ email: z.string() })
