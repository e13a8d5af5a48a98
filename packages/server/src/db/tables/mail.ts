/** Mails to people. Rows never leave a `store.ts`. */
import type { Millis } from "./columns.ts"

/** A mail that waits to be sent, or what became of it. */
export type MailOutboxTable = {
  /** Also the left half of its Message-ID. */
  id: string
  org_id: string
  /** What it is about, such as "invitation". */
  kind: string
  recipient: string
  /** Subject and text, which may carry a link that opens something; null once it is sent or given up. */
  content_sealed: Uint8Array | null
  state: "pending" | "sent" | "failed"
  attempts: number
  next_attempt_at: Millis
  give_up_at: Millis
  /** What the mail server said last, in our words. */
  last_error: string | null
  created_at: Millis
  finished_at: Millis | null
}

/** A reminder that was mailed: one row per secret and due date. */
export type MailedReminderTable = { secret_id: string; due_at: Millis }

/** A role in a project that comes with an invitation. */
export type InvitationProjectTable = { invitation_id: string; project_id: string; role: string }
