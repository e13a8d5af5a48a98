/** The change feed and webhooks. Rows never leave a `store.ts`. */
import type { Flag, Json, Millis } from "./columns.ts"

/** How far back the change feed reaches: every change of a later revision is still there. No row means all of them. */
export type ChangeFloorTable = { project_id: string; revision: number }

/** How far a reader that must miss nothing has come in the change feed of a project. */
export type ChangeCursorTable = { project_id: string; consumer: string; revision: number }

export type WebhookTable = {
  id: string
  project_id: string
  environment_id: string
  /** A path or a glob. */
  secret_path: string
  type: "general" | "slack" | "microsoft-teams"
  url_sealed: Uint8Array
  key_sealed: Uint8Array | null
  /** JSON array of event names; empty means all. */
  events_filter: Json
  is_disabled: Flag
  last_status: "success" | "failed" | null
  last_run_error: string | null
  last_run_at: Millis | null
  actor_type: string
  actor_id: string
  created_at: Millis
  updated_at: Millis
}

/** One event on its way to one webhook. */
export type WebhookDeliveryTable = {
  id: string
  webhook_id: string
  project_id: string
  event: string
  /** The revision it tells of; null for a test. */
  revision: number | null
  environment_slug: string
  secret_path: string
  /** Who made the change. */
  actor_type: string
  actor_name: string
  state: "pending" | "success" | "failed"
  attempts: number
  next_attempt_at: Millis
  /** The process that is delivering it, and until when no other may. */
  lease_holder: string | null
  lease_until: Millis
  created_at: Millis
  finished_at: Millis | null
}

/** What became of one attempt; never anything of the answer but its status. */
export type WebhookAttemptTable = {
  delivery_id: string
  attempt: number
  at: Millis
  duration_ms: number
  status_code: number | null
  error: string | null
}
