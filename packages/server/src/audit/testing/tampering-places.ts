/** What somebody may do to the place from where the writer of a log goes on, and what is found then. */
import type { Writer } from "../../db/database.ts"
import type { Schema } from "../../db/schema.ts"
import { CompactRange } from "../merkle.ts"
import { type Change, event, type Witnessed } from "./witnessed-past.ts"

export const changedPlaces: readonly Change[] = [
  {
    what: "the place where a writer goes on is changed",
    change: (db, { logId }) =>
      db
        .updateTable("audit_log")
        .set({ snapshot_range: Buffer.alloc(32) })
        .where("id", "=", logId)
        .execute(),
    finds: ({ logId, original }) => {
      const row = original.audit_log.find((one) => one["id"] === logId) as Schema["audit_log"]
      return [{ kind: "snapshot-differs", logId, seq: row.snapshot_size }]
    },
  },
  {
    what: "the place where a writer goes on lies before the beginning",
    change: (db, { logId }) =>
      db
        .updateTable("audit_log")
        .set({ snapshot_size: 0, snapshot_range: Buffer.of() })
        .where("id", "=", logId)
        .execute(),
    finds: ({ logId }) => [{ kind: "snapshot-differs", logId, seq: 0 }],
  },
  {
    what: "the place where a writer goes on is where the log begins, and its range is changed",
    change: (db, { logId, start }) =>
      db
        .updateTable("audit_log")
        .set({ snapshot_size: start, snapshot_range: Buffer.alloc(32) })
        .where("id", "=", logId)
        .execute(),
    only: true,
    finds: ({ logId, start }) => [{ kind: "snapshot-differs", logId, seq: start }],
  },
  ...[{ body: "{}" }, { leaf_hash: Buffer.alloc(32, 1) }].map((of) => ({
    what: `the ${Object.keys(of)[0]} of an event is changed, right before the place where a writer goes on`,
    change: async (db: Writer, { logId, original, last }: Witnessed) => {
      const leaves = (original.audit_event as readonly Schema["audit_event"][]).filter(
        (row) => row.log_id === logId && row.seq <= last,
      )
      const [prune] = original.audit_prune as readonly Schema["audit_prune"][]
      const range = CompactRange.fromBytes(
        prune?.size ?? 0,
        Buffer.from(JSON.parse(prune?.compact_range ?? ""), "base64"),
      )
      for (const row of leaves.toSorted((left, right) => left.seq - right.seq)) range.append(row.leaf_hash)
      await db
        .updateTable("audit_log")
        .set({ snapshot_size: range.size, snapshot_range: range.toBytes() })
        .where("id", "=", logId)
        .execute()
      await event(db, logId, last).set(of).execute()
    },
    only: true as const,
    finds: ({ logId, last }: Witnessed) => [{ kind: "event-edited", logId, seq: last }],
  })),
  ...[0, 1].map((further) => ({
    what: `the place where a writer goes on lies ${further} behind the end`,
    change: (db: Writer, { logId, end }: Witnessed) =>
      db
        .updateTable("audit_log")
        .set({ snapshot_size: end + further, snapshot_range: Buffer.alloc(32) })
        .where("id", "=", logId)
        .execute(),
    only: true as const,
    finds: ({ logId, end }: Witnessed) => [{ kind: "snapshot-differs", logId, seq: end + further }],
  })),
]
