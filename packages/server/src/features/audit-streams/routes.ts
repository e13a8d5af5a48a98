import {
  type AuditStreamAnswer,
  auditStreamListAnswer,
  auditStreamTestAnswer,
  createAuditStreamBody,
  deletedAuditStreamAnswer,
  oneAuditStreamAnswer,
  updateAuditStreamBody,
} from "@coffer/contract"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import {
  type AuditStreamDeps,
  changeAuditStream,
  createAuditStream,
  deleteAuditStream,
  findAuditStream,
  findAuditStreams,
  type ShownStream,
  testAuditStream,
} from "./service.ts"

const base = "/coffer/v1/audit-streams"
type Params = Readonly<Record<string, string>>
const idOf = (params: Params) => params["id"] ?? ""

/** Streams of the audit log, for administrators of the organization. */
export function auditStreamRoutes(deps: AuditStreamDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.get(
      base,
      endpoint(
        ports,
        { summary: "Audit streams, and how they fare", answer: auditStreamListAnswer },
        async ({ session }) => ({ auditStreams: (await findAuditStreams(deps, session)).map(present) }),
      ),
    )
    app.post(
      base,
      endpoint(
        ports,
        {
          summary: "Publish the audit log elsewhere",
          body: createAuditStreamBody,
          answer: oneAuditStreamAnswer,
        },
        async ({ session, body }) => ({ auditStream: present(await createAuditStream(deps, session, body)) }),
      ),
    )
    app.get(
      `${base}/:id`,
      endpoint(
        ports,
        { summary: "An audit stream, and how it fares", answer: oneAuditStreamAnswer },
        async ({ session, params }) => ({
          auditStream: present(await findAuditStream(deps, session, idOf(params))),
        }),
      ),
    )
    app.patch(
      `${base}/:id`,
      endpoint(
        ports,
        { summary: "Change an audit stream", body: updateAuditStreamBody, answer: oneAuditStreamAnswer },
        async ({ session, params, body }) => {
          const { name, destination, isEnabled } = body
          const change = { id: idOf(params), name, destination, isEnabled }
          return { auditStream: present(await changeAuditStream(deps, session, change)) }
        },
      ),
    )
    app.delete(
      `${base}/:id`,
      endpoint(
        ports,
        { summary: "Delete an audit stream", answer: deletedAuditStreamAnswer },
        async ({ session, params }) => ({
          auditStream: await deleteAuditStream(deps, session, idOf(params)),
        }),
      ),
    )
    app.post(
      `${base}/:id/test`,
      endpoint(
        ports,
        { summary: "Send a test to an audit stream, and say how it went", answer: auditStreamTestAnswer },
        async ({ session, params }) => ({ test: await testAuditStream(deps, session, idOf(params)) }),
      ),
    )
  }
}

function present({ stream, isConfigured, health, backlog, isBehind }: ShownStream): AuditStreamAnswer {
  const { id, name, kind, target, isEnabled } = stream
  return {
    id,
    name,
    kind,
    target,
    isEnabled,
    isConfigured,
    createdAt: timeOf(stream.createdAt),
    updatedAt: timeOf(stream.updatedAt),
    health: {
      state: stateOf(isEnabled, health.problem),
      problem: health.problem,
      problemAt: timeOf(health.problemAt),
      deliveredAt: timeOf(health.deliveredAt),
      lag: backlog.lag,
      oldestUndeliveredAt: timeOf(backlog.since),
      isBehind,
    },
  }
}

function stateOf(isEnabled: boolean, problem: string | null) {
  if (!isEnabled) return "disabled"
  return problem === null ? "ok" : "failing"
}

function timeOf(millis: number | null): string | null {
  return millis === null ? null : isoTime(millis)
}
