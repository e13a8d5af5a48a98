import { pauseAfter } from "../../back-off.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { Log } from "../../log.ts"
import type { MailConfig } from "../../mail-config.ts"
import { TaskLease, type TaskLeaseDeps } from "../../task-lease.ts"
import type { SendFailure } from "./domain.ts"
import { type Outbox, openContent } from "./outbox.ts"
import { SmtpSender } from "./smtp.ts"
import { listDueMails, type Outcome, recordOutcome, removeOldMails, type WaitingMail } from "./store.ts"

export type MailWorkerDeps = TaskLeaseDeps & { readonly keyring: Keyring; readonly log: Log }

const lookIntervalMs = 5_000
const cleanIntervalMs = 60 * 60 * 1_000
const keepEndedMs = 30 * 24 * 60 * 60 * 1_000
/** Longer than one mail may take, so that two servers do not send at once. */
const leaseMs = 3 * 60 * 1_000
const mailsPerLook = 50

/**
 * Sends what waits in the outbox, one mail after the other, while this process holds the lease. A mail is written down
 * as sent after the mail server took it over: after a crash in between it is sent again, with the same Message-ID.
 */
export class MailWorker {
  readonly #deps: MailWorkerDeps
  readonly #sender: SmtpSender
  readonly #lease: TaskLease
  #timers: readonly NodeJS.Timeout[] = []
  #isStopping = false
  #running: Promise<void> | undefined
  #isDue = false
  /** Of the mail server, in a row. */
  #failures = 0
  #pausedUntil = 0

  constructor(deps: MailWorkerDeps, config: MailConfig, outbox: Outbox) {
    this.#deps = deps
    this.#sender = new SmtpSender(config)
    this.#lease = new TaskLease(deps, { name: "mail", ttlMs: leaseMs })
    outbox.onAdded(() => {
      if (this.#timers.length > 0) this.#look()
    })
  }

  /** Looks for work now, when something is added in this process, and every five seconds. */
  start(): void {
    this.#timers = [
      setInterval(() => this.#look(), lookIntervalMs),
      setInterval(() => void this.#guard(() => this.clean()), cleanIntervalMs),
    ]
    for (const timer of this.#timers) timer.unref()
    this.#look()
  }

  /** Resolves when the mail under way, if any, is over. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    this.#isStopping = true
    await this.#running
    await this.#guard(() => this.#lease.release())
  }

  /** Sends what is due now, unless another process does or the mail server is given a rest. */
  async runOnce(): Promise<void> {
    if ((await this.#due(1)).length === 0) return
    try {
      await this.#sendAll()
    } finally {
      // Whoever comes next, perhaps after this process was killed, need not wait.
      await this.#lease.release()
    }
  }

  async #sendAll(): Promise<void> {
    while (await this.#maySend()) {
      const mails = await this.#due(mailsPerLook)
      if (mails.length === 0) return
      for (const mail of mails) {
        if (!(await this.#maySend())) return
        await this.#send(mail)
      }
    }
  }

  async #maySend(): Promise<boolean> {
    if (this.#isStopping || this.#deps.clock.now() < this.#pausedUntil) return false
    return await this.#lease.take()
  }

  #due(limit: number): Promise<readonly WaitingMail[]> {
    return listDueMails(this.#deps.database.reader, this.#deps.clock.now(), limit)
  }

  /** Forgets mails that ended long ago. */
  async clean(): Promise<void> {
    const before = this.#deps.clock.now() - keepEndedMs
    while ((await this.#deps.database.write(({ db }) => removeOldMails(db, before))) > 0);
  }

  async #send(mail: WaitingMail): Promise<void> {
    const { clock, database, keyring, log } = this.#deps
    const isUseless = clock.now() >= mail.giveUpAt
    const { id, recipient: to } = mail
    const failure = isUseless ? undefined : await this.#sender.send({ id, to, ...openContent(keyring, mail) })
    if (failure?.kind === "server") this.#rest(failure.reason)
    else this.#failures = 0
    const outcome = isUseless
      ? ({ kind: "failed", reason: "it could not be sent in time" } as const)
      : this.#outcomeOf(mail, failure)
    if (outcome === undefined) return
    const now = clock.now()
    await database.write(({ db }) => recordOutcome(db, mail, outcome, now))
    const facts = { mailId: mail.id, kind: mail.kind }
    if (outcome.kind === "failed") log.warn({ ...facts, problem: outcome.reason }, "a mail was given up")
    if (outcome.kind === "sent") log.info(facts, "a mail was sent")
  }

  /** `undefined`: the mail waits as it is. */
  #outcomeOf(mail: WaitingMail, failure: SendFailure | undefined): Outcome | undefined {
    if (failure === undefined) return { kind: "sent" }
    if (failure.kind === "server") return undefined
    const { reason } = failure
    if (failure.kind === "refused") return { kind: "failed", reason }
    return { kind: "again", at: this.#deps.clock.now() + this.#pause(mail.attempts + 1), reason }
  }

  /** A server that does not work is not asked again for each mail. */
  #rest(reason: string): void {
    this.#failures += 1
    const pauseMs = Math.min(this.#pause(this.#failures), 5 * 60 * 1_000)
    this.#pausedUntil = this.#deps.clock.now() + pauseMs
    this.#deps.log.warn({ problem: reason, pauseMs }, "mails wait")
  }

  #pause(failures: number): number {
    const [jitter = 0] = this.#deps.random.bytes(1)
    return pauseAfter(failures, jitter / 256)
  }

  #look(): void {
    this.#isDue = true
    if (this.#running !== undefined || this.#isStopping) return
    this.#running = this.#guard(async () => {
      while (this.#isDue && !this.#isStopping) {
        this.#isDue = false
        await this.runOnce()
      }
    }).finally(() => {
      this.#running = undefined
    })
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.log.warn({ problem: String(error) }, "sending mails failed")
    }
  }
}
