import { AsyncLocalStorage } from "node:async_hooks"
import type { AuditEvent } from "../audit/audit-event.ts"
import { type PendingAuditEvent, pendingEventOf } from "../audit/audit-record.ts"
import type { Writer, WriteScope } from "./database.ts"
import { databaseUnavailable } from "./database-error.ts"

/** What a write wants to know of its statements. */
export type StatementGuard = {
  /** Call before each. @throws Error when the write is over, or one of its statements has failed */
  assertUsable(): void
  /** Call when one fails. */
  statementFailed(error: unknown): void
}

/** Of statements that belong to no use case: migrations, the audit log's own. */
export const noGuard: StatementGuard = { assertUsable: () => undefined, statementFailed: () => undefined }

/** What a row of a long write may take on a slow disk under load, in milliseconds. */
const msPerRow = 0.5
/** However many rows: whoever waits is kept for no longer than this beyond the usual bound. */
const maxExtraMs = 120_000

/** A write under way, and what it leaves to do for whoever commits it. Both databases use it. */
export class OpenWriteScope implements WriteScope, StatementGuard {
  readonly db: Writer
  readonly events: PendingAuditEvent[] = []
  readonly effects: (() => void)[] = []
  #closed = false
  #failure: { readonly error: unknown } | undefined
  #extraMs = 0
  #takenMs = 0

  constructor(createWriter: (guard: StatementGuard) => Writer) {
    this.db = createWriter(this)
  }

  get isOpen(): boolean {
    return !this.#closed
  }

  // Fields, because use cases take a scope apart: `write(async ({ db, audit }) => ...)`.
  readonly audit = (event: AuditEvent): void => {
    this.assertUsable()
    this.events.push(pendingEventOf(event))
  }

  readonly afterCommit = (effect: () => void): void => {
    this.assertUsable()
    this.effects.push(effect)
  }

  readonly expectRows = (count: number): void => {
    this.assertUsable()
    this.#extraMs = Math.min(this.#extraMs + count * msPerRow, maxExtraMs)
  }

  close(): void {
    this.#closed = true
  }

  /** How much longer this write may take than another; each call tells of what was added since the one before. */
  takeExtraMs(): number {
    const extraMs = this.#extraMs - this.#takenMs
    this.#takenMs = this.#extraMs
    return extraMs
  }

  /** A statement that failed ends the write, even when the use case caught the error: PostgreSQL can't go on either. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  statementFailed(error: unknown): void {
    this.#failure ??= { error }
  }

  assertUsable(): void {
    if (this.#closed)
      throw new Error("this write is over: a use case may use its scope only until it returns")
    this.throwIfFailed()
  }
}

const currentScope = new AsyncLocalStorage<OpenWriteScope>()

/**
 * Runs a use case in its scope. One that waits for something else for too long must not hold the database; one that said
 * how many rows it writes has more time.
 *
 * @throws AppError "unavailable" that names the use case when its time is over
 */
export async function runWithinBound<T>(
  scope: OpenWriteScope,
  work: (scope: WriteScope) => Promise<T>,
  bound: { readonly timeoutMs: number; readonly calledFrom: CallSite },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<never>((_, reject) => {
    const waitFor = (ms: number) => {
      timer = setTimeout(() => {
        const extraMs = scope.takeExtraMs()
        if (extraMs > 0) return waitFor(extraMs)
        reject(
          databaseUnavailable(
            `'${nameOf(bound.calledFrom)}' held the database for too long and was rolled back`,
          ),
        )
      }, ms)
    }
    waitFor(bound.timeoutMs)
  })
  try {
    return await Promise.race([currentScope.run(scope, () => work(scope)), overdue])
  } finally {
    clearTimeout(timer)
  }
}

/** @throws Error when called by the use case of a write that is under way: it would wait for itself */
export function assertNotInsideWrite(operation: string): void {
  if (currentScope.getStore()?.isOpen === true) {
    throw new Error(`${operation} inside a write: use the scope that the write was given`)
  }
}

/** Where a function was called from, kept cheaply until somebody asks. */
export type CallSite = { readonly stack?: string }

/** The call site of the function that is running and asks with itself. */
export function callSiteOf(callee: (...parameters: never[]) => unknown): CallSite {
  const site: CallSite = {}
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 1
  Error.captureStackTrace(site, callee)
  Error.stackTraceLimit = stackTraceLimit
  return site
}

function nameOf({ stack = "" }: CallSite): string {
  const caller = stack.split("\n")[1] ?? ""
  return /^\s*at (?:async )?(\S+) \(/.exec(caller)?.[1] ?? "a use case"
}
