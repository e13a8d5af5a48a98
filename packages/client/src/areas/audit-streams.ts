/** Streams of the audit log; Coffer's own routes, which other servers of the contract lack. */
import {
  type AuditStreamAnswer,
  auditStreamListAnswer,
  auditStreamTestAnswer,
  type CreateAuditStreamBody,
  deletedAuditStreamAnswer,
  oneAuditStreamAnswer,
  type UpdateAuditStreamBody,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

export type AuditStream = AuditStreamAnswer
export type NewAuditStream = CreateAuditStreamBody
export type AuditStreamChange = UpdateAuditStreamBody

const base = "/api/coffer/v1/audit-streams"

export function auditStreamsArea(transport: Transport) {
  const pathOf = (id: string) => `${base}/${encodeURIComponent(id)}`
  return {
    /** Those of the organization and of the server's configuration, by name, with how they fare. */
    list: async (): Promise<readonly AuditStream[]> =>
      (await transport.call({ method: "GET", path: base, schema: auditStreamListAnswer })).auditStreams,

    create: async (stream: NewAuditStream): Promise<AuditStream> => {
      const answer = await transport.call({
        method: "POST",
        path: base,
        body: stream,
        schema: oneAuditStreamAnswer,
      })
      return answer.auditStream
    },

    update: async (id: string, change: AuditStreamChange): Promise<AuditStream> => {
      const request = {
        method: "PATCH",
        path: pathOf(id),
        body: change,
        schema: oneAuditStreamAnswer,
      } as const
      return (await transport.call(request)).auditStream
    },

    remove: async (id: string) =>
      (await transport.call({ method: "DELETE", path: pathOf(id), schema: deletedAuditStreamAnswer }))
        .auditStream,

    /** Sends a record that is no event, and says how that went. */
    test: async (id: string) =>
      (
        await transport.call({
          method: "POST",
          path: `${pathOf(id)}/test`,
          body: {},
          schema: auditStreamTestAnswer,
        })
      ).test,
  }
}
