/**
 * The change feed: every write of a project is an entry under its revision, in the order of commits. Features read it
 * from wherever they stand (streams by the last event id, webhooks by a cursor) and are woken when it grows. Knows no
 * feature and no HTTP; what is delivered is what the feed holds, never what a wake-up said.
 */
export { type FeedPosition, reachesBackTo, readFeed } from "./change-feed.ts"
export { ChangeSignal } from "./change-signal.ts"
export {
  findCursor,
  listProjectsBehind,
  moveCursor,
  removeCursor,
  startCursor,
} from "./cursor-store.ts"
export type { ProjectEvent } from "./project-events.ts"
export { pruneChanges } from "./retention.ts"
