/** Search over a whole project; Coffer's own route, which other servers of the contract lack. */
import { type SearchSecretsAnswer, type SearchSecretsBody, searchSecretsAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"

/** At least one criterion should be given; without any, everything is found that the caller may know of. */
export type SearchCriteria = Omit<Partial<SearchSecretsBody>, "cursor" | "limit">
export type FoundSecret = SearchSecretsAnswer["secrets"][number]

export function searchArea(transport: Transport) {
  return {
    /**
     * Page by page until everything was searched; a page may hold nothing, because the server looks at so many secrets
     * a time. Values are never shown. Whoever stops taking pages ends the search.
     */
    async *secrets(projectId: string, criteria: SearchCriteria): AsyncGenerator<SearchSecretsAnswer> {
      const path = `/api/coffer/v1/projects/${encodeURIComponent(projectId)}/search`
      let cursor: string | null | undefined
      while (cursor !== null) {
        const body = { ...criteria, limit: 200, ...(cursor === undefined ? {} : { cursor }) }
        const page: SearchSecretsAnswer = await transport.call({
          method: "POST",
          path,
          body,
          schema: searchSecretsAnswer,
        })
        yield page
        cursor = page.nextCursor
      }
    },
  }
}
