import type { Session } from "../actor.ts"
import { BoundedMap } from "../cache/index.ts"
import type { WitnessRequest } from "../db/database.ts"
import type { AnswerSealer, SealedAnswer } from "../keyring/index.ts"
import { repeatEvent } from "./audit.ts"
import { type AnswerBasis, isStillTrue, type ReadDeps } from "./read.ts"

const maxAnswers = 20_000
const maxBytes = 32 * 1024 * 1024
const maxAnswerBytes = 2 * 1024 * 1024
/** What an entry takes beside its answer and its name. */
const entryBytes = 800

/** An answer that an actor was given before, and that it may be given again once {@link WarmAnswers.confirm} says so. */
export type WarmAnswer = {
  readonly etag: string
  readonly name: string
  readonly basis: AnswerBasis
  readonly witness: WitnessRequest
  readonly sealed: SealedAnswer
}

/**
 * Answers given lately, each sealed, with what it was made from: who asked for which URL, the epoch of the actor, the
 * revisions of the projects, and the events that tell of it. As long as all of that holds, another answer could not be
 * different, so the same one is given again: after events of its own, which the same round trip proves it by.
 */
export class WarmAnswers {
  readonly #deps: ReadDeps
  readonly #sealer: AnswerSealer
  readonly #answers = new BoundedMap<string, WarmAnswer>(Number.POSITIVE_INFINITY)
  #bytes = 0

  constructor(deps: ReadDeps, sealer: AnswerSealer) {
    this.#deps = deps
    this.#sealer = sealer
  }

  /** What this actor was answered for this URL, unless this process knows already that it no longer holds. */
  find(session: Session, url: string): WarmAnswer | undefined {
    const name = nameOf(session, url)
    const answer = this.#answers.get(name)
    if (answer === undefined) return undefined
    if (this.#mayHold(session, answer.basis)) return answer
    this.#forget(answer)
    return undefined
  }

  /**
   * Records the events of the answer for this request. True once they are durable and the answer holds; false when the
   * data or the rights have moved: it must then be made anew.
   *
   * @throws AppError "unavailable" when the log cannot be written
   */
  async confirm(session: Session, answer: WarmAnswer): Promise<boolean> {
    const { basis } = answer
    const events = basis.facts.map((fact) => repeatEvent(this.#deps, session, fact))
    const seen = await this.#deps.database.record(events, answer.witness)
    if (isStillTrue(session.actor, basis.revisions, seen)) return true
    this.#forget(answer)
    return false
  }

  /** The text of an answer that was confirmed. */
  open({ name, sealed }: WarmAnswer): string {
    return this.#sealer.open(name, sealed)
  }

  /** Keeps an answer that was just given. */
  keep(session: Session, url: string, given: { etag: string; body: string; basis: AnswerBasis }): void {
    const { etag, body, basis } = given
    if (body.length > maxAnswerBytes || !this.#mayHold(session, basis)) return
    const name = nameOf(session, url)
    const known = this.#answers.get(name)
    if (known !== undefined) this.#forget(known)
    const witness = { projectIds: [...basis.revisions.keys()], actorIds: [session.actor.id] }
    const answer = { etag, name, basis, witness, sealed: this.#sealer.seal(name, body) }
    this.#answers.set(name, answer)
    this.#bytes += weightOf(answer)
    while (this.#bytes > maxBytes || this.#answers.size > maxAnswers) {
      const oldest = this.#answers.deleteOldest()
      if (oldest === undefined) return
      this.#bytes -= weightOf(oldest[1])
    }
  }

  #mayHold({ actor }: Session, basis: AnswerBasis): boolean {
    if (actor.epoch !== basis.actorEpoch || this.#deps.clock.now() >= basis.validUntil) return false
    for (const [projectId, revision] of basis.revisions) {
      if (this.#deps.projects.peek(projectId)?.revision !== revision) return false
    }
    return true
  }

  #forget(answer: WarmAnswer): void {
    if (this.#answers.get(answer.name) !== answer) return
    this.#answers.delete(answer.name)
    this.#bytes -= weightOf(answer)
  }
}

/** Ids hold no line breaks, so no two pairs share a name. */
function nameOf({ actor }: Session, url: string): string {
  return `${actor.id}\n${actor.orgId}\n${url}`
}

function weightOf({ name, sealed }: WarmAnswer): number {
  return sealed.ciphertext.length + name.length * 2 + entryBytes
}
