/** When a stream that failed is tried again, when one has fallen behind, and what a syslog message looks like. Pure. */

/** A record of the log as a line of JSON, with what a message needs beside it. */
export type StreamLine = {
  /** Of the event. */
  readonly type: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly line: string
}

const firstPauseMs = 1_000
const longestPauseMs = 5 * 60 * 1_000

/**
 * How long a stream rests after failures in a row: 1 second, 2, 4 ... up to five minutes, each up to a quarter sooner,
 * so that streams that failed together do not come back together.
 *
 * @param jitter in [0, 1)
 */
export function pauseAfterMs(failures: number, jitter: number): number {
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 20))
  return Math.round(pauseMs * (1 - jitter / 4))
}

/** Of what a stream has not had; an hour leaves room for a restart or an upgrade of its receiver. */
const behindAfterMs = 60 * 60 * 1_000

/**
 * Whether a stream has fallen behind: somebody should look, because what it has not had is kept for a week beyond its
 * retention and no longer.
 *
 * @param since when the oldest event that it has not had happened; null when it has had all
 */
export function isBehind(since: number | null, now: number): boolean {
  return since !== null && now - since > behindAfterMs
}

/** Facility 13 (log audit), severity 6 (informational): RFC 5424, section 6.2.1. */
const priority = 13 * 8 + 6
const absent = "-"

/**
 * A record as a message of RFC 5424: the type of the event is the message id, the line of JSON is the message.
 * https://www.rfc-editor.org/rfc/rfc5424.html#section-6
 */
export function syslogMessage(record: StreamLine, hostname: string): string {
  const host = printable(hostname, 255)
  const time = new Date(record.at).toISOString()
  const type = printable(record.type, 32)
  return `<${priority}>1 ${time} ${host} coffer ${absent} ${type} ${absent} ${record.line}`
}

/** Octet counting: RFC 6587, section 3.4.1. https://www.rfc-editor.org/rfc/rfc6587.html#section-3.4.1 */
export function framed(messages: readonly string[]): Uint8Array {
  return Buffer.concat(
    messages.map((message) => Buffer.from(`${Buffer.byteLength(message, "utf8")} ${message}`, "utf8")),
  )
}

/** What a datagram has room for; IPv4 allows a little more. */
export const maxDatagramBytes = 60_000

/** The same record with its event cut down to what identifies it, for where the whole has no room. */
export function shortened(record: StreamLine): StreamLine {
  const { logId, seq, leafHash, event } = JSON.parse(record.line) as {
    readonly [name: string]: unknown
    readonly event?: { readonly id: unknown; readonly at: unknown; readonly type: unknown }
  }
  const about = { id: event?.id, at: event?.at, type: event?.type }
  const line = JSON.stringify({ kind: "event", logId, seq, leafHash, isShortened: true, event: about })
  return { ...record, line }
}

function printable(text: string, length: number): string {
  return text.replace(/[^\x21-\x7e]/g, "").slice(0, length) || absent
}
