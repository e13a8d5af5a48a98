/** One entry of the change feed: what a revision changed, in names; values are never part of it. */
export type StoredChange = {
  readonly revision: number
  /** Position within the revision, from 0. */
  readonly ordinal: number
  readonly kind: string
  readonly environmentId: string | null
  readonly folderId: string | null
  /** At the time of the change. */
  readonly path: string | null
  readonly keys: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at: number
}
