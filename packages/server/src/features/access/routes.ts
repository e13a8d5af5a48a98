import { type ExplainAccessAnswer, explainAccessAnswer, explainAccessQuery } from "@coffer/contract"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import type { Explanation } from "../authorization/index.ts"
import { type AccessAnswer, explainAccess } from "./service.ts"

/** GET /coffer/v1/projects/:projectId/access/explain */
export function accessRoutes(deps: ReadDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.get(
      "/coffer/v1/projects/:projectId/access/explain",
      endpoint(
        ports,
        {
          summary: "Why an identity or a user may do something in a project, or not",
          query: explainAccessQuery,
          answer: explainAccessAnswer,
        },
        async ({ session, params, query }) => {
          const projectId = params["projectId"] ?? ""
          return present(await explainAccess(deps, session, { ...query, projectId }))
        },
      ),
    )
  }
}

function present({ actor, resource, explanation }: AccessAnswer): ExplainAccessAnswer {
  const { kind: type, id, name } = actor
  const { secretTags, ...place } = resource
  const decision = explanation?.decidedBy
  return {
    actor: { type, id, name },
    isAllowed: explanation?.isAllowed ?? false,
    reason: explanation?.reason ?? "not-a-member",
    resource: { ...place, ...(secretTags === undefined ? {} : { secretTags: [...secretTags] }) },
    decidedBy:
      decision === undefined
        ? null
        : {
            kind: decision.grant.kind,
            name: decision.grant.name,
            group: decision.grant.group,
            rule: decision.rule.rule,
          },
    grants: (explanation?.grants ?? []).map(presentGrant),
  }
}

function presentGrant(grant: Explanation["grants"][number]): ExplainAccessAnswer["grants"][number] {
  return {
    ...grant,
    startsAt: grant.startsAt === null ? null : isoTime(grant.startsAt),
    endsAt: grant.endsAt === null ? null : isoTime(grant.endsAt),
    rules: grant.rules.map((rule) => ({ ...rule, holds: rule.holds ?? null })),
  }
}
