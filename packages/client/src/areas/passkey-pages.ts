/** The pages of the server that ask a browser for a passkey, for commands; Coffer's own routes. */
import {
  type CommandTokenBody,
  loginAnswer,
  type PasskeyPagesAnswer,
  passkeyPagesAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

const base = "/api/coffer/v1/auth/passkey"

export function passkeyPagesArea(transport: Transport) {
  return {
    /** Their addresses. @throws ApiError "invalid" while the server has no address that passkeys could be bound to */
    addresses: (): Promise<PasskeyPagesAnswer> =>
      transport.call({ method: "GET", path: base, schema: passkeyPagesAnswer, anonymous: true }),

    /** Exchanges the code that a browser brought for a token that names no organization yet. */
    exchangeLoginCode: async (body: CommandTokenBody): Promise<string> => {
      const call = { method: "POST", path: `${base}/command-token`, body, anonymous: true } as const
      return (await transport.call({ ...call, schema: loginAnswer })).accessToken
    },
  }
}
