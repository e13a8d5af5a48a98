import type { Clock } from "../../clock.ts"
import type { WriteScope } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { Random } from "../../random.ts"
import { isPlainAddress, oneLine } from "./domain.ts"
import { insertMail, type WaitingMail } from "./store.ts"

type OutboxDeps = { readonly keyring: Keyring; readonly clock: Clock; readonly random: Random }

export type NewMail = {
  readonly orgId: string
  readonly kind: "invitation" | "reminder"
  /** A canonical e-mail address. */
  readonly to: string
  readonly subject: string
  /** Plain text. */
  readonly text: string
  /** When it is of no use any more; five days from now at the latest. */
  readonly uselessAt?: number
}

export type MailContent = { readonly subject: string; readonly text: string }

const keepTryingMs = 5 * 24 * 60 * 60 * 1_000

/** Where mails wait. They are sealed, because the link in one may open something. */
export class Outbox {
  readonly #deps: OutboxDeps
  #wake: () => void = () => undefined
  /** False: nothing is sent, and nothing may be added. */
  readonly isOpen: boolean

  constructor(deps: OutboxDeps, options: { readonly isOpen: boolean }) {
    this.#deps = deps
    this.isOpen = options.isOpen
  }

  /**
   * Adds a mail to the caller's write: it is sent if that commits, and not otherwise. Does nothing when it is closed.
   * @throws AppError "invalid" when the recipient is not one plain address
   */
  async add(write: Pick<WriteScope, "db" | "afterCommit">, mail: NewMail): Promise<void> {
    if (!this.isOpen) return
    if (!isPlainAddress(mail.to)) {
      throw new AppError("invalid", "BadRequest", "The e-mail address cannot be written to")
    }
    const now = this.#deps.clock.now()
    const id = this.#deps.random.uuid()
    const content: MailContent = { subject: oneLine(mail.subject), text: mail.text }
    const address = addressOf({ id, orgId: mail.orgId })
    await insertMail(
      write.db,
      {
        id,
        orgId: mail.orgId,
        kind: mail.kind,
        recipient: mail.to,
        contentSealed: this.#deps.keyring.records.seal(address, JSON.stringify(content)),
        giveUpAt: Math.min(now + keepTryingMs, mail.uselessAt ?? Number.POSITIVE_INFINITY),
      },
      now,
    )
    write.afterCommit(() => this.#wake())
  }

  /** What is called after something was added in this process; must not throw. */
  onAdded(wake: () => void): void {
    this.#wake = wake
  }
}

/** @throws AppError "unavailable" when the sealed bytes are not those of this mail */
export function openContent(
  keyring: Keyring,
  mail: Pick<WaitingMail, "id" | "orgId" | "contentSealed">,
): MailContent {
  return JSON.parse(keyring.records.open(addressOf(mail), mail.contentSealed)) as MailContent
}

function addressOf(mail: Pick<WaitingMail, "id" | "orgId">) {
  return { orgId: mail.orgId, recordId: mail.id, field: "mail:content" }
}
