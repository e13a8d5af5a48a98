/** Which changes a webhook is told of, what it is sent, how that is signed, and when it is tried again. Pure. */
import { createHmac } from "node:crypto"
import type { WebhookType } from "@coffer/contract"
import { pauseAfter } from "../../back-off.ts"
import type { ProjectEvent } from "../../events/index.ts"
import { matchesPathGlob } from "../../path-glob.ts"

export type WebhookTarget = {
  readonly environmentId: string
  readonly secretPath: string
  /** Names of events; empty means all. */
  readonly eventsFilter: readonly string[]
}

/** The event that stands for every change of secrets. */
export const modified = "secrets.modified"

/** Whether a webhook is to be told of a change. */
export function isTold(webhook: WebhookTarget, event: ProjectEvent): boolean {
  if (webhook.environmentId !== event.environmentId) return false
  if (webhook.eventsFilter.length > 0 && !webhook.eventsFilter.includes(modified)) return false
  return matchesPathGlob(webhook.secretPath, event.path)
}

/** What is told of: names only. */
export type Notice = {
  readonly event: string
  readonly projectId: string
  readonly projectName: string
  readonly environment: string
  readonly environmentName: string
  readonly secretPath: string
  readonly changedBy: string
  readonly changedByActorType: string
}

/** The exact text that is sent, and signed. `at` is milliseconds since the epoch. */
export function bodyOf(type: WebhookType, notice: Notice, at: number): string {
  return JSON.stringify(makers[type](notice, at))
}

const makers = {
  general: ({ event, projectId, ...about }: Notice, at: number) => ({
    event,
    project: { workspaceId: projectId, projectId, ...about },
    timestamp: at,
  }),
  slack: (notice: Notice) => ({
    text: escapeForSlack(`${titleOf(notice)} in ${notice.projectName}`),
    attachments: [
      {
        color: "#2563eb",
        fields: factsOf(notice).map(([title, value]) => ({
          title,
          value: escapeForSlack(value),
          short: true,
        })),
      },
    ],
  }),
  "microsoft-teams": (notice: Notice) => ({
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            { type: "TextBlock", weight: "bolder", size: "medium", text: titleOf(notice) },
            { type: "FactSet", facts: factsOf(notice).map(([title, value]) => ({ title, value })) },
          ],
        },
      },
    ],
  }),
} satisfies Record<WebhookType, (notice: Notice, at: number) => object>

function titleOf({ event }: Notice): string {
  if (event === modified) return "Secrets were changed"
  return event === "test" ? "A test of this webhook" : event
}

function factsOf(notice: Notice): readonly (readonly [string, string])[] {
  return [
    ["Project", notice.projectName],
    ["Environment", notice.environmentName],
    ["Path", notice.secretPath],
    ["Changed by", notice.changedBy],
  ]
}

/** Names must not become links or mentions. */
function escapeForSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}

/** The header `x-infisical-signature` (contract 6.2). */
export function signatureOf(key: string, body: string, at: number): string {
  return `t=${at};${createHmac("sha256", key).update(body).digest("hex")}`
}

const maxAttempts = 8

/**
 * When a delivery that failed is tried again; `undefined` when it is given up.
 *
 * @param attempts how many there were
 * @param jitter in [0, 1)
 */
export function nextAttemptAt(attempts: number, now: number, jitter: number): number | undefined {
  if (attempts >= maxAttempts) return undefined
  return now + pauseAfter(attempts, jitter)
}
