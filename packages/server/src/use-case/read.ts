import type { AuditEventType } from "@coffer/contract"
import type { Actor, Session } from "../actor.ts"
import type { AuditEvent, AuditWitness } from "../audit/audit-event.ts"
import type { ActorCache, ProjectCache, ProjectSnapshot } from "../cache/index.ts"
import type { Database, Reader } from "../db/database.ts"
import { AppError } from "../errors.ts"
import type { ChangeSignal } from "../events/index.ts"
import {
  type AuditDeps,
  auditEvent,
  type Fact,
  type MetadataOf,
  markRecorded,
  refusalEvent,
} from "./audit.ts"

export type ReadDeps = AuditDeps & {
  readonly database: Database
  readonly projects: ProjectCache
  readonly actors: ActorCache
  /** Wakes whoever waits for changes. */
  readonly signal: ChangeSignal
}

/** What an answer was made from. As long as all of it holds, another answer to the same question is the same. */
export type AnswerBasis = {
  readonly actorEpoch: number
  /** Of every project that was looked at, by id. */
  readonly revisions: ReadonlyMap<string, number>
  /** When a role of the actor in one of them begins or ends; infinite when none does. */
  readonly validUntil: number
  /** What the audit log has to tell each time. */
  readonly facts: readonly Fact[]
}

/** What a reading use case works with. Everything it looks at through here is checked again before the answer. */
export class ReadScope {
  readonly session: Session
  readonly now: number
  readonly events: AuditEvent[] = []
  readonly basis = new Map<string, number>()
  readonly #deps: ReadDeps
  #restsOnBasis = true

  constructor(deps: ReadDeps, session: Session) {
    this.#deps = deps
    this.session = session
    this.now = deps.clock.now()
  }

  /** For what no revision covers; what was read this way is read again for each answer. */
  get reader(): Reader {
    this.#restsOnBasis = false
    return this.#deps.database.reader
  }

  /** `undefined` when there is no such project in any organization. */
  projectById(id: string): ProjectSnapshot | undefined | Promise<ProjectSnapshot | undefined> {
    const known = this.#deps.projects.peek(id)
    if (known !== undefined) return this.#lookAt(known)
    return this.#deps.projects.get(id).then((snapshot) => this.#lookAtIfAny(snapshot))
  }

  /** Looks inside the actor's organization only. */
  projectBySlug(slug: string): ProjectSnapshot | undefined | Promise<ProjectSnapshot | undefined> {
    const { orgId } = this.session.actor
    const known = this.#deps.projects.peekBySlug(orgId, slug)
    if (known !== undefined) return this.#lookAt(known)
    return this.#deps.projects.getBySlug(orgId, slug).then((snapshot) => this.#lookAtIfAny(snapshot))
  }

  /** Adds the event that tells of this read. */
  audit<T extends AuditEventType>(type: T, projectId: string | null, metadata: MetadataOf<T>): void {
    this.events.push(auditEvent(this.#deps, this.session, type, { projectId, metadata }))
  }

  /** `undefined` when the answer depends on more than revisions and rights, so that it has to be made each time. */
  answerBasis(): AnswerBasis | undefined {
    if (!this.#restsOnBasis) return undefined
    const { actor } = this.session
    return {
      actorEpoch: actor.epoch,
      revisions: this.basis,
      validUntil: nextTurn(actor, this.basis.keys(), this.now),
      facts: this.events.map(({ type, orgId, projectId, metadata }) => ({
        type,
        orgId,
        projectId,
        metadata,
      })),
    }
  }

  #lookAtIfAny(snapshot: ProjectSnapshot | undefined): ProjectSnapshot | undefined {
    if (snapshot !== undefined) return this.#lookAt(snapshot)
    // A project that does not exist has no revision, and may come into being at any time.
    this.#restsOnBasis = false
    return undefined
  }

  #lookAt(snapshot: ProjectSnapshot): ProjectSnapshot {
    this.basis.set(snapshot.id, snapshot.revision)
    return snapshot
  }
}

type Attempt<T> = {
  readonly scope: ReadScope
  readonly outcome:
    | { readonly kind: "answer"; readonly value: T }
    | { readonly kind: "refusal"; readonly error: AppError }
    /** A value did not open: it is damaged, or what is in memory is of an earlier life of the project. */
    | { readonly kind: "unreadable"; readonly error: AppError }
}

/** A secret that is written without pause moves on during most attempts; few in a row would refuse one read in ten. */
const maxAttempts = 16

/**
 * Answers a read, or refuses it, only after the event that tells of it is durable. The same round trip says what the
 * database holds by then; if it is not what the answer was made from, the answer is made again from what is current.
 *
 * @throws AppError the refusal, already in the log; "unavailable" when the log cannot be written, or when the data
 * changes faster than it can be read
 */
export async function answerRead<T>(
  deps: ReadDeps,
  session: Session,
  work: (scope: ReadScope) => T | Promise<T>,
): Promise<T> {
  let attempt = await attemptRead(deps, session, work)
  if (attempt.outcome.kind === "unreadable") attempt = await attemptAgain(deps, attempt.scope, work)
  for (let round = 1; round <= maxAttempts; round += 1) {
    if (attempt.outcome.kind === "unreadable") throw attempt.outcome.error
    const witness = await deps.database.record(attempt.scope.events, {
      projectIds: attempt.scope.basis.size === 0 ? [] : [...attempt.scope.basis.keys()],
      actorIds: [attempt.scope.session.actor.id],
    })
    if (isStillTrue(attempt.scope.session.actor, attempt.scope.basis, witness)) return conclude(attempt)
    const next = await attemptAgain(deps, attempt.scope, work)
    // What the log says of the first attempt is also true of this one, which is at least as new as the witness.
    if (tellsTheSame(attempt, next)) return conclude(next)
    attempt = next
  }
  throw new AppError("unavailable", "ServiceUnavailable", "The data changes too fast to be read; try again", {
    retryAfterSeconds: 1,
  })
}

async function attemptRead<T>(
  deps: ReadDeps,
  session: Session,
  work: (scope: ReadScope) => T | Promise<T>,
): Promise<Attempt<T>> {
  const scope = new ReadScope(deps, session)
  try {
    return { scope, outcome: { kind: "answer", value: await work(scope) } }
  } catch (error) {
    return { scope, outcome: refusal(deps, scope, error) }
  }
}

async function attemptAgain<T>(
  deps: ReadDeps,
  previous: ReadScope,
  work: (scope: ReadScope) => T | Promise<T>,
): Promise<Attempt<T>> {
  for (const projectId of previous.basis.keys()) await deps.projects.catchUp(projectId)
  await deps.actors.reload(previous.session.actor.id)
  try {
    return await attemptRead(deps, await previous.session.refresh(), work)
  } catch (error) {
    const scope = new ReadScope(deps, previous.session)
    return { scope, outcome: refusal(deps, scope, error) }
  }
}

function refusal(deps: ReadDeps, scope: ReadScope, error: unknown): Attempt<never>["outcome"] {
  if (error instanceof AppError && error.code === "SealedValueUnreadable")
    return { kind: "unreadable", error }
  if (!(error instanceof AppError) || error.kind === "unavailable") throw error
  const [projectId = null] = scope.basis.keys()
  scope.events.splice(0, scope.events.length, refusalEvent(deps, scope.session, error, projectId))
  markRecorded(error)
  return { kind: "refusal", error }
}

function conclude<T>(attempt: Attempt<T>): T {
  if (attempt.outcome.kind !== "answer") throw attempt.outcome.error
  return attempt.outcome.value
}

/** Whether the database holds what an answer was made from. */
export function isStillTrue(
  actor: Actor,
  revisions: ReadonlyMap<string, number>,
  witness: AuditWitness,
): boolean {
  if (witness.actorEpochs.get(actor.id) !== actor.epoch) return false
  for (const [projectId, revision] of revisions) {
    if (witness.projectRevisions.get(projectId) !== revision) return false
  }
  return true
}

/** The next moment at which a role begins or ends by itself. */
function nextTurn(actor: Actor, projectIds: Iterable<string>, now: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const projectId of projectIds) {
    for (const { startsAt, endsAt } of actor.memberships.get(projectId) ?? []) {
      if (startsAt !== null && startsAt > now) next = Math.min(next, startsAt)
      if (endsAt !== null && endsAt > now) next = Math.min(next, endsAt)
    }
  }
  return next
}

function tellsTheSame<T>(left: Attempt<T>, right: Attempt<T>): boolean {
  if (left.outcome.kind !== right.outcome.kind || left.outcome.kind === "unreadable") return false
  const facts = (attempt: Attempt<T>) =>
    JSON.stringify(attempt.scope.events.map((event) => [event.type, event.projectId, event.metadata]))
  return facts(left) === facts(right)
}
