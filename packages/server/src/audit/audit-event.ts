/**
 * An audit event: an allow-list of fields. Bodies, values, tokens and keys have no place here.
 */

export type AuditActor =
  | { readonly type: "user"; readonly id: string; readonly name: string; readonly authMethod?: string }
  | { readonly type: "identity"; readonly id: string; readonly name: string; readonly authMethod?: string }
  | { readonly type: "platform" }
  | { readonly type: "unknown" }

export type AuditSource = {
  readonly ipAddress: string
  readonly userAgent: string
  readonly userAgentType: string
  readonly requestId: string
}

/** Metadata values are names, ids, numbers and lists of them (contract section 5). */
export type AuditMetadata = { readonly [name: string]: AuditMetadataValue }
export type AuditMetadataValue =
  | string
  | number
  | boolean
  | null
  | readonly AuditMetadataValue[]
  | { readonly [name: string]: AuditMetadataValue }

export type AuditEvent = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** One of `contract/audit-events.ts`. */
  readonly type: string
  readonly orgId: string
  readonly projectId: string | null
  readonly actor: AuditActor
  readonly source: AuditSource
  readonly metadata: AuditMetadata
}

/** What the database held in the round trip that made the events durable. */
export type AuditWitness = {
  readonly projectRevisions: ReadonlyMap<string, number>
  readonly actorEpochs: ReadonlyMap<string, number>
}
