/**
 * Server-sent events (contract 6.1): a subscriber names events and places, and hears of every change there, each with
 * the revision as its id. Flow: routes -> service (rights, audit, where to begin) -> stream-hub (one feed reader per
 * project, rights checked again every second) -> event-stream (one connection, bounded). Whoever comes back with
 * `Last-Event-ID` gets what it missed, once and in order, or is told to list again.
 */
export { eventRoutes } from "./routes.ts"
