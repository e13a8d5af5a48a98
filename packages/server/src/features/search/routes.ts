import { searchSecretsAnswer, searchSecretsBody } from "@coffer/contract"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import { readCursor, writeCursor } from "./cursor.ts"
import { type FoundSecret, type SearchDeps, searchSecrets } from "./service.ts"

export type { SearchDeps } from "./service.ts"

/** Search over a project. Ours alone: the contract has no such route. */
export function searchRoutes(deps: SearchDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.post(
      "/coffer/v1/projects/:projectId/search",
      endpoint(
        ports,
        {
          summary: "Search the secrets of a project by name, tag, metadata or value",
          body: searchSecretsBody,
          answer: searchSecretsAnswer,
        },
        async ({ session, params, body, isAbandoned }) => {
          const page = await searchSecrets(deps, session, {
            projectId: params["projectId"] ?? "",
            criteria: {
              key: body.key,
              tags: body.tags ?? [],
              metadata: body.metadata ?? [],
              valueContains: body.value?.contains,
            },
            environment: body.environment,
            path: body.secretPath ?? "/",
            after: body.cursor === undefined ? undefined : readCursor(body.cursor),
            limit: body.limit,
            isAbandoned,
          })
          const nextCursor = page.next === undefined ? null : writeCursor(page.next)
          return { secrets: page.found.map(present), nextCursor, searched: page.searched }
        },
      ),
    )
  }
}

function present({ record, environment, path, tags }: FoundSecret) {
  return {
    id: record.id,
    secretKey: record.key,
    environment,
    secretPath: path,
    version: record.version,
    updatedAt: isoTime(record.updatedAt),
    tags: tags.map((tag) => ({ id: tag.id, slug: tag.slug, name: tag.slug, color: tag.color })),
  }
}
