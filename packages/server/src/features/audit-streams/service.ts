import type { AuditStreamDestination } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import type { PublishedRecord } from "../../audit/index.ts"
import type { Reader } from "../../db/database.ts"
import { unlessTaken } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import { judgeHost, judgeUrl, OutboundError } from "../../outbound/index.ts"
import { answerRead, type ReadDeps, writeInOrganization } from "../../use-case/index.ts"
import { authorizeInOrganization } from "../authorization/index.ts"
import { type Backlog, findBacklog } from "./backlog.ts"
import { isBehind } from "./domain.ts"
import { openDestination, sealDestination, targetOf } from "./sealing.ts"
import { networkSink, problemOf } from "./sinks.ts"
import {
  findHealth,
  findStream,
  type Health,
  insertStream,
  listStreams,
  removeStream,
  type StreamRecord,
  updateStream,
} from "./store.ts"
import { type StreamDeps, sinkOptionsOf, startAtEnd } from "./worker.ts"

export type AuditStreamDeps = ReadDeps & Omit<StreamDeps, "database" | "clock" | "random">

export type ShownStream = {
  /** A stream of the server's configuration has no record. */
  readonly stream: Pick<StreamRecord, "id" | "name" | "isEnabled"> & {
    readonly kind: StreamRecord["kind"] | "file" | "stdout"
    readonly target: string
    readonly createdAt: number | null
    readonly updatedAt: number | null
  }
  readonly isConfigured: boolean
  readonly health: Health
  readonly backlog: Backlog
  /** Whether the backlog is older than it should ever be. */
  readonly isBehind: boolean
}

const maxPerOrganization = 20

/** The streams of an organization, and those of the server's configuration, with how they fare. */
export async function findAuditStreams(
  deps: AuditStreamDeps,
  session: Session,
): Promise<readonly ShownStream[]> {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "manage-audit")
    const stored = await listStreams(scope.reader, scope.session.actor.orgId)
    const streams = [...localStreams(deps), ...stored.map(shownOf)]
    scope.audit("get-audit-streams", null, { numberOfStreams: streams.length })
    return await Promise.all(streams.map((stream) => withHealth(scope.reader, stream, scope.now)))
  })
}

/** @throws AppError "not-found" */
export async function findAuditStream(
  deps: AuditStreamDeps,
  session: Session,
  id: string,
): Promise<ShownStream> {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "manage-audit")
    const stream = await requireStream(scope.reader, scope.session.actor.orgId, id)
    scope.audit("get-audit-streams", null, { numberOfStreams: 1 })
    return await withHealth(scope.reader, shownOf(stream), scope.now)
  })
}

export type NewStream = {
  readonly name: string
  readonly destination: AuditStreamDestination
  readonly isEnabled: boolean
}

/**
 * Publishes the events of an organization, from now on.
 *
 * @throws AppError "invalid" when the name is taken, there are too many, or the address can never be reached from here
 */
export async function createAuditStream(
  deps: AuditStreamDeps,
  session: Session,
  input: NewStream,
): Promise<ShownStream> {
  const { name, destination, isEnabled } = input
  return await unlessTaken(
    writeInOrganization(deps, session, async (write) => {
      authorizeInOrganization(write.actor, "manage-audit")
      requireReachable(deps, destination)
      const { orgId } = write.actor
      const existing = await listStreams(write.db, orgId)
      if (existing.length >= maxPerOrganization) throw tooMany()
      if (existing.some((stream) => stream.name === name)) throw nameTaken(name)
      const named = { id: deps.random.uuid(), orgId }
      const times = { createdAt: write.now, updatedAt: write.now }
      const stream: StreamRecord = {
        ...named,
        name,
        ...destinationOf(deps, named, destination),
        isEnabled,
        revision: 1,
        ...times,
      }
      await insertStream(write.db, stream)
      await startAtEnd(write.db, stream.id, write.now)
      write.audit("create-audit-stream", about(stream))
      return await withHealth(write.db, shownOf(stream), write.now)
    }),
    () => nameTaken(name),
  )
}

export type StreamChange = {
  readonly id: string
  readonly name: string | undefined
  readonly destination: AuditStreamDestination | undefined
  readonly isEnabled: boolean | undefined
}

/** Changes a stream. One that is enabled again goes on where it stopped, as far as retention left the events. */
export async function changeAuditStream(
  deps: AuditStreamDeps,
  session: Session,
  change: StreamChange,
): Promise<ShownStream> {
  return await unlessTaken(
    writeInOrganization(deps, session, async (write) => {
      authorizeInOrganization(write.actor, "manage-audit")
      if (change.destination !== undefined) requireReachable(deps, change.destination)
      const { orgId } = write.actor
      const before = await requireStream(write.db, orgId, change.id)
      const name = change.name ?? before.name
      const others = (await listStreams(write.db, orgId)).filter((stream) => stream.id !== before.id)
      if (others.some((stream) => stream.name === name)) throw nameTaken(name)
      const stream = {
        ...before,
        name,
        ...(change.destination === undefined ? {} : destinationOf(deps, before, change.destination)),
        isEnabled: change.isEnabled ?? before.isEnabled,
        updatedAt: write.now,
      }
      await updateStream(write.db, stream)
      write.audit("update-audit-stream", about(stream))
      return await withHealth(write.db, shownOf(stream), write.now)
    }),
    () => nameTaken(change.name ?? ""),
  )
}

/** Ends a stream, and forgets its places in the logs. */
export async function deleteAuditStream(
  deps: AuditStreamDeps,
  session: Session,
  id: string,
): Promise<{ readonly id: string; readonly name: string }> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-audit")
    const stream = await requireStream(write.db, write.actor.orgId, id)
    await removeStream(write.db, stream)
    write.audit("delete-audit-stream", about(stream))
    return { id, name: stream.name }
  })
}

/** Sends one record that is no event, now, and says how that went. */
export async function testAuditStream(
  deps: AuditStreamDeps,
  session: Session,
  id: string,
): Promise<{ readonly isDelivered: boolean; readonly problem: string | null }> {
  const stream = await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "manage-audit")
    const found = await requireStream(scope.reader, scope.session.actor.orgId, id)
    scope.audit("test-audit-stream", null, about(found))
    return found
  })
  const at = deps.clock.now()
  const line = JSON.stringify({ kind: "test", streamId: id, at })
  const record: PublishedRecord = { kind: "test", type: "audit-test", at, line }
  try {
    const sink = networkSink(openDestination(deps.keyring, stream), sinkOptionsOf(deps))
    await sink.send({ id: `${id}/test/${at}`, records: [record] }, new AbortController().signal)
    return { isDelivered: true, problem: null }
  } catch (error) {
    return { isDelivered: false, problem: problemOf(error) }
  }
}

function shownOf(stream: StreamRecord): ShownStream["stream"] {
  const { id, name, kind, settings, isEnabled, createdAt, updatedAt } = stream
  return { id, name, kind, target: settings.target, isEnabled, createdAt, updatedAt }
}

function localStreams({ local }: AuditStreamDeps): readonly ShownStream["stream"][] {
  const kinds = [
    ...(local.auditStreamFile === undefined ? [] : ["file" as const]),
    ...(local.auditStreamOutput === undefined ? [] : ["stdout" as const]),
  ]
  const always = { isEnabled: true, createdAt: null, updatedAt: null }
  return kinds.map((kind) => ({ id: kind, name: kind, kind, target: kind, ...always }))
}

async function withHealth(reader: Reader, stream: ShownStream["stream"], now: number): Promise<ShownStream> {
  const health = await findHealth(reader, stream.id)
  const backlog = await findBacklog(reader, stream.id)
  const isConfigured = stream.createdAt === null
  return { stream, isConfigured, health, backlog, isBehind: isBehind(backlog.since, now) }
}

function destinationOf(
  { keyring }: AuditStreamDeps,
  named: Pick<StreamRecord, "id" | "orgId">,
  destination: AuditStreamDestination,
): Pick<StreamRecord, "kind" | "settings" | "destinationSealed"> {
  return {
    kind: destination.kind,
    settings: { target: targetOf(destination) },
    destinationSealed: sealDestination(keyring, named, destination),
  }
}

/** A name may resolve to something else later, and is judged at every delivery; an address stays what it is. */
function requireReachable(deps: AuditStreamDeps, destination: AuditStreamDestination): void {
  const bounds = { allowPrivateAddresses: deps.allowInternalConnections }
  try {
    if (destination.kind === "http") judgeUrl(destination.url, bounds)
    else judgeHost(destination.host, bounds)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw new AppError("invalid", "BadRequest", `destination: ${error.message}`)
  }
}

async function requireStream(reader: Reader, orgId: string, id: string): Promise<StreamRecord> {
  const stream = await findStream(reader, orgId, id)
  if (stream !== undefined) return stream
  throw new AppError("not-found", "NotFound", `Audit stream with ID '${id}' not found`)
}

function about({ id: streamId, name, kind, isEnabled }: StreamRecord) {
  return { streamId, name, kind, isEnabled }
}

function nameTaken(name: string): AppError {
  return new AppError("invalid", "BadRequest", `An audit stream with the name '${name}' exists already`)
}

function tooMany(): AppError {
  const message = `An organization may have ${maxPerOrganization} audit streams; delete one that is not needed`
  return new AppError("invalid", "BadRequest", message)
}
