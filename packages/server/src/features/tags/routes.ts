import { createTagBody, oneTagAnswer, type TagObject, tagListAnswer, updateTagBody } from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import type { TagRecord } from "../../cache/index.ts"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import { changeTag, createTag, deleteTag, getTag, listTags, type TagRef, type TagsDeps } from "./service.ts"

/** Tags of a project (contract 1.11), under the current path and the one of older clients. */
export function tagRoutes(deps: TagsDeps, ports: HttpPorts): Routes {
  return (app) => {
    for (const path of ["/v1/projects/:projectId/tags", "/v1/workspace/:projectId/tags"]) {
      readRoutes(app, deps, ports, path)
      writeRoutes(app, deps, ports, path)
    }
  }
}

type Params = Readonly<Record<string, string>>

const projectOf = (params: Params) => params["projectId"] ?? ""
const idOf = (params: Params) => params["tagId"] ?? ""

function readRoutes(app: FastifyInstance, deps: TagsDeps, ports: HttpPorts, path: string): void {
  app.get(
    path,
    endpoint(ports, { summary: "Tags of a project", answer: tagListAnswer }, async ({ session, params }) => {
      const projectId = projectOf(params)
      const tags = await listTags(deps, session, projectId)
      return { tags: tags.map((tag) => presentTag(projectId, tag)) }
    }),
  )
  const one = (summary: string, ref: (params: Params) => TagRef) =>
    endpoint(ports, { summary, answer: oneTagAnswer }, async ({ session, params }) => {
      const projectId = projectOf(params)
      return { tag: presentTag(projectId, await getTag(deps, session, projectId, ref(params))) }
    })
  app.get(
    `${path}/:tagId`,
    one("One tag", (params) => ({ kind: "id", id: idOf(params) })),
  )
  app.get(
    `${path}/slug/:tagSlug`,
    one("One tag by its slug", (params) => ({ kind: "slug", slug: params["tagSlug"] ?? "" })),
  )
}

function writeRoutes(app: FastifyInstance, deps: TagsDeps, ports: HttpPorts, path: string): void {
  app.post(
    path,
    endpoint(
      ports,
      { summary: "Create a tag", body: createTagBody, answer: oneTagAnswer },
      async ({ session, params, body }) => {
        const projectId = projectOf(params)
        const wanted = { slug: body.slug, color: body.color ?? null }
        return { tag: presentTag(projectId, await createTag(deps, session, projectId, wanted)) }
      },
    ),
  )
  app.patch(
    `${path}/:tagId`,
    endpoint(
      ports,
      { summary: "Rename or recolor a tag", body: updateTagBody, answer: oneTagAnswer },
      async ({ session, params, body }) => {
        const projectId = projectOf(params)
        const change = { tagId: idOf(params), slug: body.slug, color: body.color }
        return { tag: presentTag(projectId, await changeTag(deps, session, projectId, change)) }
      },
    ),
  )
  app.delete(
    `${path}/:tagId`,
    endpoint(
      ports,
      { summary: "Delete a tag and take it off all secrets", answer: oneTagAnswer },
      async ({ session, params }) => {
        const projectId = projectOf(params)
        return { tag: presentTag(projectId, await deleteTag(deps, session, projectId, idOf(params))) }
      },
    ),
  )
}

function presentTag(projectId: string, tag: TagRecord): TagObject {
  return {
    id: tag.id,
    slug: tag.slug,
    name: tag.slug,
    color: tag.color,
    projectId,
    createdBy: tag.createdBy,
    createdAt: isoTime(tag.createdAt),
    updatedAt: isoTime(tag.updatedAt),
  }
}
