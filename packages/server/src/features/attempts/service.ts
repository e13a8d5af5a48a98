import type { Clock } from "../../clock.ts"
import type { Database, Writer } from "../../db/database.ts"
import { canonicalSource } from "../../network-address.ts"
import { type AttemptRule, countAttempt } from "./domain.ts"
import {
  type AttemptKey,
  lockCount,
  removeCount,
  removeCounts,
  removeOldCounts,
  saveCount,
  uncount,
} from "./store.ts"

export type AttemptsDeps = { readonly database: Database; readonly clock: Clock }

type Counter = AttemptKey & { readonly rule: AttemptRule; readonly isOwn: boolean }

/** An attempt that was counted and may be answered. */
export type Attempt = { readonly counters: readonly Counter[] }

const minuteMs = 60_000
const everySource = ""
const everySubject = "*"

/** Of one person from one address; of one person from anywhere; of anybody from one address. */
const passwordRules = {
  own: { limit: 10, windowMs: 15 * minuteMs, lockMs: 15 * minuteMs },
  person: { limit: 100, windowMs: 15 * minuteMs, lockMs: 15 * minuteMs },
  address: { limit: 300, windowMs: 15 * minuteMs, lockMs: 15 * minuteMs },
} as const satisfies Record<string, AttemptRule>

/** Six digits can be guessed: these count per person, from wherever they come. */
const codeRule: AttemptRule = { limit: 5, windowMs: 15 * minuteMs, lockMs: 15 * minuteMs }

const longestMs = 60 * minuteMs

/**
 * Counts an attempt to log in with a password, before it is answered.
 *
 * @param principal the person's id, or what stands for a name that nobody has: canonical, whatever was typed
 * @returns `undefined` when there were too many: it must then not be answered
 */
export function takePasswordAttempt(
  deps: AttemptsDeps,
  principal: string,
  address: string,
): Promise<Attempt | undefined> {
  const source = canonicalSource(address)
  const subject = `password:${principal}`
  return take(deps, [
    { subject, source, rule: passwordRules.own, isOwn: true },
    { subject: `password:${everySubject}`, source, rule: passwordRules.address, isOwn: false },
    { subject, source: everySource, rule: passwordRules.person, isOwn: false },
  ])
}

/** As {@link takePasswordAttempt}, for a code of a second factor. */
export function takeCodeAttempt(deps: AttemptsDeps, userId: string): Promise<Attempt | undefined> {
  return take(deps, [{ subject: `code:${userId}`, source: everySource, rule: codeRule, isOwn: true }])
}

/** The attempt was right: it counts no more, nor do those before it from the same source. */
export async function forgive(db: Writer, attempt: Attempt): Promise<void> {
  for (const counter of attempt.counters) {
    await (counter.isOwn ? removeCount(db, counter) : uncount(db, counter))
  }
}

/** Opens the door again for somebody who is locked out, from wherever. */
export async function clearAttempts(db: Writer, userId: string): Promise<void> {
  await removeCounts(db, `password:${userId}`)
  await removeCounts(db, `code:${userId}`)
}

/** Housekeeping: forgets what no longer locks anybody. */
export async function pruneAttempts(deps: AttemptsDeps): Promise<number> {
  const before = deps.clock.now() - longestMs
  return await deps.database.write(({ db }) => removeOldCounts(db, before))
}

/**
 * The counters come in one order everywhere, so that two attempts never wait for each other. A counter that is full
 * stops the count of those after it: one address cannot lock a person out for all others.
 */
async function take(deps: AttemptsDeps, counters: readonly Counter[]): Promise<Attempt | undefined> {
  const isAllowed = await deps.database.write(async ({ db }) => {
    const now = deps.clock.now()
    for (const counter of counters) {
      const key = { subject: counter.subject, source: counter.source }
      const counted = countAttempt(await lockCount(db, key, now), counter.rule, now)
      if (!counted.isAllowed) return false
      await saveCount(db, key, counted.count)
    }
    return true
  })
  return isAllowed ? { counters } : undefined
}
