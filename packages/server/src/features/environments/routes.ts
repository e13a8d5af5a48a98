import {
  createEnvironmentBody,
  type EnvironmentObject,
  environmentAnswer,
  oneEnvironmentAnswer,
  updateEnvironmentBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import type { EnvironmentRecord } from "../../cache/index.ts"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import {
  changeEnvironment,
  createEnvironment,
  deleteEnvironment,
  type EnvironmentPlace,
  type EnvironmentsDeps,
  getEnvironment,
} from "./service.ts"

/** The current paths and the deprecated ones, which name the project differently in the answer (contract 1.10). */
const families = [
  { path: "/v1/projects/:projectId/environments", projectField: "projectId" },
  { path: "/v1/workspace/:projectId/environments", projectField: "workspace" },
]

export function environmentRoutes(deps: EnvironmentsDeps, ports: HttpPorts): Routes {
  return (app) => {
    for (const family of families) addFamily(app, deps, ports, family)
  }
}

function placeOf(params: Readonly<Record<string, string>>): EnvironmentPlace {
  return { projectId: params["projectId"] ?? "", environmentId: params["environmentId"] ?? "" }
}

function addFamily(
  app: FastifyInstance,
  deps: EnvironmentsDeps,
  ports: HttpPorts,
  family: { readonly path: string; readonly projectField: string },
): void {
  const one = `${family.path}/:environmentId`
  const answer = (verb: string, projectId: string, environment: EnvironmentRecord) => ({
    message: `Successfully ${verb} environment`,
    [family.projectField]: projectId,
    environment: presentEnvironment(projectId, environment),
  })
  app.post(
    family.path,
    endpoint(
      ports,
      { summary: "Create an environment", body: createEnvironmentBody, answer: environmentAnswer },
      async ({ session, params, body }) => {
        const { projectId } = placeOf(params)
        const { name, slug, position } = body
        const created = await createEnvironment(deps, session, { projectId, name, slug, position })
        return answer("created new", projectId, created)
      },
    ),
  )
  app.get(
    one,
    endpoint(
      ports,
      { summary: "One environment", answer: oneEnvironmentAnswer },
      async ({ session, params }) => {
        const place = placeOf(params)
        const environment = await getEnvironment(deps, session, place)
        return { environment: presentEnvironment(place.projectId, environment) }
      },
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      { summary: "Change an environment", body: updateEnvironmentBody, answer: environmentAnswer },
      async ({ session, params, body }) => {
        const place = placeOf(params)
        const { name, slug, position } = body
        const changed = await changeEnvironment(deps, session, { ...place, name, slug, position })
        return answer("updated", place.projectId, changed)
      },
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Delete an environment and its secrets", answer: environmentAnswer },
      async ({ session, params }) => {
        const place = placeOf(params)
        return answer("deleted", place.projectId, await deleteEnvironment(deps, session, place))
      },
    ),
  )
}

function presentEnvironment(projectId: string, environment: EnvironmentRecord): EnvironmentObject {
  return {
    id: environment.id,
    name: environment.name,
    slug: environment.slug,
    position: environment.position,
    projectId,
    createdAt: isoTime(environment.createdAt),
    updatedAt: isoTime(environment.updatedAt),
  }
}
