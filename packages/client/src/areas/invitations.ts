/** Invitations of people; Coffer's own routes, which other servers of the contract lack. */
import {
  type AcceptInvitationBody,
  acceptInvitationAnswer,
  type CreateInvitationBody,
  invitationListAnswer,
  lookUpInvitationAnswer,
  oneInvitationAnswer,
  sentInvitationAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

const base = "/api/coffer/v1/invitations"

export function invitationsArea(transport: Transport) {
  const one = (id: string) => `${base}/${encodeURIComponent(id)}`
  return {
    /** The answer holds the token, this once. */
    create: (body: CreateInvitationBody) =>
      transport.call({ method: "POST", path: base, body, schema: sentInvitationAnswer }),

    /** The first thousand, by e-mail address. */
    list: () =>
      transport.call({ method: "GET", path: base, query: { limit: 1_000 }, schema: invitationListAnswer }),

    /** Another token and a new term; the old token is dead. */
    resend: (id: string) =>
      transport.call({ method: "POST", path: `${one(id)}/resend`, schema: sentInvitationAnswer }),

    revoke: async (id: string) =>
      (await transport.call({ method: "DELETE", path: one(id), schema: oneInvitationAnswer })).invitation,

    /** What the holder of a token may know of an invitation; needs no login. */
    lookUp: (token: string) =>
      transport.call({
        method: "POST",
        path: `${base}/look-up`,
        body: { token },
        schema: lookUpInvitationAnswer,
        anonymous: true,
      }),

    /** Needs no login. */
    accept: (body: AcceptInvitationBody) =>
      transport.call({
        method: "POST",
        path: `${base}/accept`,
        body,
        schema: acceptInvitationAnswer,
        anonymous: true,
      }),
  }
}
