/** Why somebody may do something, or not; Coffer's own route, which other servers of the contract lack. */
import { type ExplainAccessAnswer, type ExplainAccessQuery, explainAccessAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"

export type AccessQuestion = ExplainAccessQuery
export type AccessExplanation = ExplainAccessAnswer

export function accessArea(transport: Transport) {
  return {
    /** Every grant and rule that was looked at, and the one that decided. */
    explain: async (projectId: string, question: AccessQuestion): Promise<AccessExplanation> =>
      await transport.call({
        method: "GET",
        path: `/api/coffer/v1/projects/${encodeURIComponent(projectId)}/access/explain`,
        query: question,
        schema: explainAccessAnswer,
      }),
  }
}
