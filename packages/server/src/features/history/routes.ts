import {
  type HistoryVersion,
  historySettingsAnswer,
  historySettingsBody,
  redactAnswer,
  redactBody,
  restoreAnswer,
  restoreBody,
  restorePreviewQuery,
  rollbackAnswer,
  rollbackBody,
  secretDiffAnswer,
  secretDiffQuery,
  secretHistoryAnswer,
  secretHistoryQuery,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import {
  type HistoryDeps,
  type Moment,
  previewRestore,
  type Restoration,
  restore,
} from "./restore-service.ts"
import { changeSettings } from "./settings.ts"
import {
  compareVersions,
  listHistory,
  redact,
  rollBack,
  type SecretAt,
  type ShownVersion,
} from "./versions-service.ts"

const base = "/coffer/v1/projects/:projectId"

/** The past of a project: restore to a revision or a moment, versions of a secret, and how much of it is kept. */
export function historyRoutes(deps: HistoryDeps, ports: HttpPorts): Routes {
  return (app) => {
    restoreRoutes(app, deps, ports)
    versionRoutes(app, deps, ports)
    app.patch(
      `${base}/history`,
      endpoint(
        ports,
        {
          summary: "Set how much of the past is kept",
          body: historySettingsBody,
          answer: historySettingsAnswer,
        },
        async ({ session, params, body }) => await changeSettings(deps, session, projectOf(params), body),
      ),
    )
  }
}

type Params = Readonly<Record<string, string>>

const projectOf = (params: Params) => params["projectId"] ?? ""

function secretOf(params: Params): SecretAt {
  return { projectId: projectOf(params), secretId: params["secretId"] ?? "" }
}

function momentOf(from: {
  readonly revision?: number | undefined
  readonly time?: string | undefined
}): Moment {
  return from.revision === undefined
    ? { kind: "time", time: Date.parse(from.time ?? "") }
    : { kind: "revision", revision: from.revision }
}

function restoreRoutes(app: FastifyInstance, deps: HistoryDeps, ports: HttpPorts): void {
  app.get(
    `${base}/restore`,
    endpoint(
      ports,
      { summary: "What a restore would change", query: restorePreviewQuery, answer: restoreAnswer },
      async ({ session, params, query }) => {
        const { environment, path, recursive } = query
        const place = { projectId: projectOf(params), environment, path, recursive }
        return presentRestoration(await previewRestore(deps, session, { ...place, to: momentOf(query) }))
      },
    ),
  )
  app.post(
    `${base}/restore`,
    endpoint(
      ports,
      {
        summary: "Make a folder or an environment what it was",
        body: restoreBody,
        answer: restoreAnswer,
      },
      async ({ session, params, body }) => {
        const { environment, path, recursive, expectedRevision } = body
        const place = { projectId: projectOf(params), environment, path, recursive, expectedRevision }
        return presentRestoration(await restore(deps, session, { ...place, to: momentOf(body) }))
      },
    ),
  )
}

function versionRoutes(app: FastifyInstance, deps: HistoryDeps, ports: HttpPorts): void {
  const one = `${base}/history/secrets/:secretId`
  app.get(
    one,
    endpoint(
      ports,
      {
        summary: "Versions of a secret with what each changed",
        query: secretHistoryQuery,
        answer: secretHistoryAnswer,
      },
      async ({ session, params, query }) => {
        const { offset = 0, limit = 20, includeValue } = query
        const input = { ...secretOf(params), offset, limit, includeValue }
        const { versions, totalCount } = await listHistory(deps, session, input)
        return { versions: versions.map(presentVersion), totalCount }
      },
    ),
  )
  app.get(
    `${one}/diff`,
    endpoint(
      ports,
      { summary: "How two versions differ", query: secretDiffQuery, answer: secretDiffAnswer },
      async ({ session, params, query }) => {
        const found = await compareVersions(deps, session, { ...secretOf(params), ...query })
        const { from, to, changed } = found
        return { from: presentVersion(from), to: presentVersion(to), changedFields: changed }
      },
    ),
  )
  app.post(
    `${one}/rollback`,
    endpoint(
      ports,
      { summary: "Go back to a version", body: rollbackBody, answer: rollbackAnswer },
      async ({ session, params, body }) => {
        const at = secretOf(params)
        const { key, version, place, changed } = await rollBack(deps, session, { ...at, ...body })
        return { secret: { id: at.secretId, secretKey: key, version, place }, changedFields: changed }
      },
    ),
  )
  app.post(
    `${one}/redact`,
    endpoint(
      ports,
      { summary: "Take the value out of an old version for good", body: redactBody, answer: redactAnswer },
      async ({ session, params, body }) => {
        const at = secretOf(params)
        await redact(deps, session, { ...at, ...body })
        return { secretId: at.secretId, version: body.version }
      },
    ),
  )
}

/** Also of what came back from the trash. */
export function presentRestoration(restoration: Restoration): object {
  const { toRevision, revision, items, numberOfHidden, conflicts, notes, lostKeys } = restoration
  return { restore: { toRevision, revision, items, numberOfHidden, conflicts, notes, lostKeys } }
}

function presentVersion({ stored, place, changed, value }: ShownVersion): HistoryVersion {
  return {
    version: stored.version,
    revision: stored.revision,
    operation: stored.op,
    secretKey: stored.key,
    place: place ?? null,
    actor: { type: stored.actorType, id: stored.actorId },
    createdAt: isoTime(stored.at),
    isRedacted: stored.op !== "delete" && stored.record === undefined,
    changedFields: changed === undefined ? null : [...changed],
    ...(value === undefined ? {} : { secretValue: value }),
  }
}
