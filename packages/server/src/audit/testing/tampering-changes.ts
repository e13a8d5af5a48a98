/** What somebody may do to the rows of a log, and what is found then. */
import type { Writer } from "../../db/database.ts"
import type { Schema } from "../../db/schema.ts"
import { uuidBytes } from "../../uuid.ts"
import { leafHash } from "../audit-record.ts"
import { changedPlaces } from "./tampering-places.ts"
import { type Change, event, type Witnessed } from "./witnessed-past.ts"

export const removeEvents = (db: Writer, logId: string, from: number, to: number) =>
  db
    .deleteFrom("audit_event")
    .where("log_id", "=", logId)
    .where("seq", ">=", from)
    .where("seq", "<=", to)
    .execute()

export const removeHead = (db: Writer, logId: string, size: number) =>
  db.deleteFrom("audit_head").where("log_id", "=", logId).where("size", "=", size).execute()

const headOf = (db: Writer, logId: string, size: number) =>
  db.updateTable("audit_head").where("log_id", "=", logId).where("size", "=", size)

/** One changed value in each column that a reader of the log may rely on. */
const changedColumns: readonly Change[] = [
  ...(
    [
      ["id", { id: "x" }, "columns-differ"],
      ["at", { at: 17 }, "columns-differ"],
      ["type", { type: "delete-secret" }, "columns-differ"],
      ["org_id", { org_id: "org-2" }, "columns-differ"],
      ["project_id", { project_id: null }, "columns-differ"],
      ["actor_type", { actor_type: "platform" }, "columns-differ"],
      ["actor_id", { actor_id: "x" }, "columns-differ"],
      ["body", { body: "{}" }, "event-edited"],
      ["leaf_hash", { leaf_hash: Buffer.alloc(32, 1) }, "event-edited"],
    ] as const
  ).map(([column, set, kind]) => ({
    what: `${column} of an event is changed`,
    change: (db: Writer, { logId, first }: Witnessed) =>
      event(db, logId, first + 1)
        .set(set)
        .execute(),
    finds: ({ logId, first }: Witnessed) => [{ kind, logId, seq: first + 1 }],
  })),
  ...(["root_hash", "signature"] as const).map((column) => ({
    what: `${column} of a head is changed`,
    change: (db: Writer, { logId, last }: Witnessed) =>
      headOf(db, logId, last + 1)
        .set({ [column]: Buffer.alloc(64, 1) })
        .execute(),
    finds: ({ logId, last }: Witnessed) => [{ kind: "head-forged", logId, seq: last + 1 }],
  })),
  {
    what: "the time of a head is changed",
    change: (db, { logId, last }) =>
      headOf(db, logId, last + 1)
        .set({ at: 17 })
        .execute(),
    finds: ({ logId, last }) => [{ kind: "head-forged", logId, seq: last + 1 }],
  },
  {
    what: "the size of a head is changed",
    change: (db, { logId, last }) =>
      headOf(db, logId, last + 1)
        .set({ size: last })
        .execute(),
    finds: ({ logId, last }) => [
      { kind: "head-forged", logId, seq: last },
      { kind: "head-removed", logId, seq: last + 1 },
    ],
  },
  ...[0, 17, null].map((previous) => ({
    what: `the size that a head names of the one before it is changed to ${previous}`,
    change: (db: Writer, { logId, last }: Witnessed) =>
      headOf(db, logId, last + 1)
        .set({ previous_size: previous })
        .execute(),
    finds: ({ logId, last }: Witnessed) => [{ kind: "head-forged", logId, seq: last + 1 }],
  })),
  {
    what: "the public key of a log is changed",
    change: (db, { logId }) =>
      db
        .updateTable("audit_log")
        .set({ public_key: Buffer.alloc(44) })
        .where("id", "=", logId)
        .execute(),
    finds: ({ logId }) => [{ kind: "key-differs", logId }],
  },
  {
    what: "the body of one event is changed, and the leaf hash of one in another batch",
    change: async (db, { logId, first, last }) => {
      await event(db, logId, first).set({ body: "{}" }).execute()
      await event(db, logId, last + 1)
        .set({ leaf_hash: Buffer.alloc(32, 1) })
        .execute()
    },
    only: true,
    finds: ({ logId, first, last }) => [first, last + 1].map((seq) => ({ kind: "event-edited", logId, seq })),
  },
  {
    what: "the leaf hash of one event is changed, and the body of one in another batch",
    change: async (db, { logId, first, last }) => {
      await event(db, logId, first)
        .set({ leaf_hash: Buffer.alloc(32, 1) })
        .execute()
      await event(db, logId, last + 1)
        .set({ body: "{}" })
        .execute()
    },
    only: true,
    finds: ({ logId, first, last }) => [first, last + 1].map((seq) => ({ kind: "event-edited", logId, seq })),
  },
  {
    what: "the oldest event that retention left is changed, and its leaf hash made to fit",
    change: async (db, { logId, start, original }) => {
      const rows = original.audit_event as readonly Schema["audit_event"][]
      const body = rows.find((row) => row.log_id === logId && row.seq === start)?.body ?? ""
      const edited = body === "" ? "{}" : body.replace("127.0.0.1", "127.0.0.2")
      const leaf_hash = leafHash(uuidBytes(logId), start, edited)
      await event(db, logId, start).set({ body: edited, leaf_hash }).execute()
    },
    finds: ({ logId, start }) => [{ kind: "events-changed", logId, seq: start }],
  },
  {
    what: "an event of the newest batch is changed, and its head",
    change: async (db, { logId, end }) => {
      await event(db, logId, end - 1)
        .set({ body: "{}" })
        .execute()
      await headOf(db, logId, end).set({ at: 17 }).execute()
    },
    only: true,
    finds: ({ logId, end }) => [
      { kind: "head-forged", logId, seq: end },
      { kind: "event-edited", logId, seq: end - 1 },
    ],
  },
  {
    what: "the record of what was removed is changed",
    change: (db) => db.updateTable("audit_prune").set({ at: 17 }).execute(),
    finds: ({ logId }) => [{ kind: "prune-forged", logId }],
  },
  {
    what: "the record of what was removed is spelt otherwise",
    change: async (db, { original }) => {
      const [row] = original.audit_prune as Schema["audit_prune"][]
      const compact_range = ` ${row?.compact_range}`
      await db.updateTable("audit_prune").set({ compact_range }).execute()
    },
    finds: ({ logId }) => [{ kind: "prune-forged", logId }],
  },
  {
    what: "the record of what was emptied is changed",
    change: (db) => db.updateTable("audit_redaction").set({ at: 17 }).execute(),
    finds: ({ logId, emptied, original }) => {
      const records = original.audit_redaction as readonly Schema["audit_redaction"][]
      const forged = records.map(({ from_seq: seq }) => ({ kind: "redaction-forged", logId, seq }))
      return [...forged, { kind: "event-edited", logId, seq: emptied }]
    },
  },
]

const removedRows: readonly Change[] = [
  ...(["first", "last"] as const).map((which) => ({
    what: `the ${which} event of a batch is removed`,
    change: (db: Writer, at: Witnessed) => removeEvents(db, at.logId, at[which], at[which]),
    finds: (at: Witnessed) => [{ kind: "event-removed", logId: at.logId, seq: at[which] }],
  })),
  {
    what: "an event in the middle of a batch is removed",
    change: (db, { logId, first }) => removeEvents(db, logId, first + 1, first + 1),
    finds: ({ logId, first }) => [{ kind: "event-removed", logId, seq: first + 1 }],
  },
  {
    what: "a whole batch is removed",
    change: (db, { logId, first, last }) => removeEvents(db, logId, first, last),
    finds: ({ logId, first }) => [{ kind: "event-removed", logId, seq: first }],
  },
  {
    what: "a whole batch is removed with its head",
    change: async (db, { logId, first, last }) => {
      await removeEvents(db, logId, first, last)
      await removeHead(db, logId, last + 1)
    },
    finds: ({ logId, first, last }) => [
      { kind: "event-removed", logId, seq: first },
      { kind: "head-removed", logId, seq: last + 1 },
    ],
  },
  {
    what: "an older head is removed",
    change: (db, { logId, last }) => removeHead(db, logId, last + 1),
    only: true,
    finds: ({ logId, last }) => [{ kind: "head-removed", logId, seq: last + 1 }],
  },
  {
    what: "the head at which retention cut is removed",
    change: (db, { logId, start }) => removeHead(db, logId, start),
    only: true,
    finds: ({ logId, start }) => [{ kind: "head-removed", logId, seq: start }],
  },
  {
    what: "everything that retention left is removed, but for its record",
    change: async (db, { logId }) => {
      await removeEvents(db, logId, 0, 9_999)
      await db.deleteFrom("audit_head").where("log_id", "=", logId).execute()
    },
    finds: ({ logId, start }) => [{ kind: "head-removed", logId, seq: start }],
  },
  {
    what: "the first head of a log is removed",
    change: (db, { otherLogId }) => removeHead(db, otherLogId, 2),
    only: true,
    finds: ({ otherLogId }) => [{ kind: "head-removed", logId: otherLogId, seq: 2 }],
  },
  {
    what: "two heads in a row are removed",
    change: async (db, { logId, first, last }) => {
      await removeHead(db, logId, first)
      await removeHead(db, logId, last + 1)
    },
    only: true,
    finds: ({ logId, last }) => [{ kind: "head-removed", logId, seq: last + 1 }],
  },
  {
    what: "the oldest event that retention left is removed",
    change: (db, { logId, start }) => removeEvents(db, logId, start, start),
    finds: ({ logId, start }) => [{ kind: "event-removed", logId, seq: start }],
  },
  {
    what: "the newest event is removed",
    change: (db, { logId, end }) => removeEvents(db, logId, end - 1, end - 1),
    finds: ({ logId, end }) => [{ kind: "event-removed", logId, seq: end - 1 }],
  },
  {
    what: "an event that retention emptied is removed",
    change: (db, { logId, emptied }) => removeEvents(db, logId, emptied, emptied),
    finds: ({ logId, emptied }) => [{ kind: "event-removed", logId, seq: emptied }],
  },
  {
    what: "the newest head is removed",
    change: (db, { logId, end }) => removeHead(db, logId, end),
    finds: ({ logId, end }) => [{ kind: "events-unsigned", logId, seq: end - 5 }],
  },
  {
    what: "the record of what retention removed is removed",
    change: (db) => db.deleteFrom("audit_prune").execute(),
    finds: ({ logId }) => [{ kind: "event-removed", logId, seq: 0 }],
  },
  {
    what: "the records of what retention emptied are removed",
    change: (db) => db.deleteFrom("audit_redaction").execute(),
    finds: ({ logId, emptied }) => [{ kind: "event-edited", logId, seq: emptied }],
  },
  {
    what: "the entry of a log is removed",
    change: (db, { logId }) => db.deleteFrom("audit_log").where("id", "=", logId).execute(),
    finds: ({ logId }) => [{ kind: "log-missing", logId, seq: undefined }],
  },
]

const movedRows: readonly Change[] = [
  {
    what: "two events are swapped",
    change: async (db, { logId, first }) => {
      await event(db, logId, first).set({ seq: 9_999 }).execute()
      await event(db, logId, first + 2)
        .set({ seq: first })
        .execute()
      await event(db, logId, 9_999)
        .set({ seq: first + 2 })
        .execute()
    },
    finds: ({ logId, first }) => [
      { kind: "event-moved", logId, seq: first },
      { kind: "event-moved", logId, seq: first + 2 },
    ],
  },
  {
    what: "two heads are swapped",
    change: async (db, { logId, last }) => {
      await headOf(db, logId, last + 1)
        .set({ size: 9_999 })
        .execute()
      await headOf(db, logId, last + 2)
        .set({ size: last + 1 })
        .execute()
      await headOf(db, logId, 9_999)
        .set({ size: last + 2 })
        .execute()
    },
    finds: ({ logId, last }) => [
      { kind: "head-forged", logId, seq: last + 1 },
      { kind: "head-forged", logId, seq: last + 2 },
    ],
  },
  {
    what: "an event is moved to the end of another log",
    change: (db, { logId, otherLogId, first }) =>
      event(db, logId, first).set({ log_id: otherLogId, seq: 5 }).execute(),
    finds: ({ logId, otherLogId, first }) => [
      { kind: "event-removed", logId, seq: first },
      { kind: "events-unsigned", logId: otherLogId, seq: 5 },
    ],
  },
  {
    what: "an event takes the place of one of another log",
    change: async (db, { logId, otherLogId, first }) => {
      await removeEvents(db, otherLogId, 3, 3)
      await event(db, logId, first).set({ log_id: otherLogId, seq: 3 }).execute()
    },
    finds: ({ logId, otherLogId, first }) => [
      { kind: "event-removed", logId, seq: first },
      { kind: "event-edited", logId: otherLogId, seq: 3 },
    ],
  },
  {
    what: "a row is added behind the end",
    change: async (db, { logId, end, original }) => {
      const row = original.audit_event.find((one) => one["log_id"] === logId) as Schema["audit_event"]
      await db
        .insertInto("audit_event")
        .values({ ...row, seq: end })
        .execute()
    },
    finds: ({ logId, end }) => [{ kind: "events-unsigned", logId, seq: end }],
  },
  {
    what: "a row comes back before the beginning that retention set",
    change: async (db, { logId, start, first, original }) => {
      const rows = original.audit_event as readonly Schema["audit_event"][]
      const row = rows.find((one) => one.log_id === logId && one.seq === first)
      if (row !== undefined)
        await db
          .insertInto("audit_event")
          .values({ ...row, seq: start - 1 })
          .execute()
    },
    finds: ({ logId, start }) => [{ kind: "events-unsigned", logId, seq: start - 1 }],
  },
  {
    what: "a head is added",
    change: (db, { logId, first }) =>
      db
        .insertInto("audit_head")
        .values({
          log_id: logId,
          size: first + 1,
          root_hash: Buffer.alloc(32),
          at: 17,
          signature: Buffer.alloc(64),
        })
        .execute(),
    finds: ({ logId, first }) => [{ kind: "head-forged", logId, seq: first + 1 }],
  },
  {
    what: "a record of removed events is added",
    change: async (db, { logId, original }) => {
      const [row] = original.audit_prune as Schema["audit_prune"][]
      if (row !== undefined)
        await db
          .insertInto("audit_prune")
          .values({ ...row, log_id: logId, size: 1 })
          .execute()
    },
    finds: ({ logId }) => [{ kind: "prune-forged", logId }],
  },
]

export const changes: Readonly<Record<string, readonly Change[]>> = {
  "a column": changedColumns,
  "the place where a writer goes on": changedPlaces,
  "a row, removed,": removedRows,
  "a row, moved or added,": movedRows,
}
