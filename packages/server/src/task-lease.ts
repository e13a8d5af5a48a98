/** Work that one replica does for all: whoever holds the lease does it, and another takes over when it stops renewing. */
import type { Clock } from "./clock.ts"
import type { Database, Writer } from "./db/database.ts"
import type { Random } from "./random.ts"

export type TaskLeaseDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
}

/**
 * A lease over one named task. It does not fence: a holder that was paused may believe in it for a moment longer. What
 * must happen once only is guarded where it is written, with {@link isHeld} in the same transaction.
 */
export class TaskLease {
  readonly #deps: TaskLeaseDeps
  readonly #name: string
  readonly #ttlMs: number
  readonly #holder: string
  #heldUntil = 0

  constructor(deps: TaskLeaseDeps, task: { readonly name: string; readonly ttlMs: number }) {
    this.#deps = deps
    this.#name = task.name
    this.#ttlMs = task.ttlMs
    this.#holder = deps.random.uuid()
  }

  /** Takes the lease, or renews it when half of its time is over; false while another process holds it. */
  async take(): Promise<boolean> {
    const now = this.#deps.clock.now()
    if (this.#heldUntil - now > this.#ttlMs / 2) return true
    const heldUntil = now + this.#ttlMs
    const isHeld = await this.#deps.database.write(async ({ db }) => {
      const row = { name: this.#name, holder: this.#holder, held_until: heldUntil }
      await db
        .insertInto("task_lease")
        .values({ ...row, held_until: 0 })
        .onConflict((conflict) => conflict.column("name").doNothing())
        .execute()
      const taken = await db
        .updateTable("task_lease")
        .set({ holder: row.holder, held_until: row.held_until })
        .where("name", "=", row.name)
        .where((eb) => eb.or([eb("holder", "=", row.holder), eb("held_until", "<=", now)]))
        .executeTakeFirst()
      return taken.numUpdatedRows > 0n
    })
    this.#heldUntil = isHeld ? heldUntil : 0
    return isHeld
  }

  /** Inside a write: whether the lease is still this process's. The row is locked until the write ends. */
  async isHeld(db: Writer): Promise<boolean> {
    const held = await db
      .updateTable("task_lease")
      .set({ holder: this.#holder })
      .where("name", "=", this.#name)
      .where("holder", "=", this.#holder)
      .executeTakeFirst()
    return held.numUpdatedRows > 0n
  }

  /** Lets another process have it at once. */
  async release(): Promise<void> {
    if (this.#heldUntil === 0) return
    this.#heldUntil = 0
    await this.#deps.database.write(({ db }) =>
      db
        .updateTable("task_lease")
        .set({ held_until: 0 })
        .where("name", "=", this.#name)
        .where("holder", "=", this.#holder)
        .execute(),
    )
  }
}

/** Ends the leases of every process. Only for who knows that all the others are dead. */
export async function endTaskLeases(db: Writer): Promise<void> {
  await db.updateTable("task_lease").set({ held_until: 0 }).where("held_until", ">", 0).execute()
}
