import type { Log } from "@coffer/server"

export type LogEntry = {
  readonly level: "info" | "warn" | "error"
  readonly fields: object
  readonly message: string
}

/** A log that keeps what it is told, to be looked at by a test. */
export type RecordingLog = Log & { readonly entries: readonly LogEntry[] }

export function aLog(): RecordingLog {
  const entries: LogEntry[] = []
  const keep = (level: LogEntry["level"]) => (fields: object, message: string) => {
    entries.push({ level, fields, message })
  }
  return { entries, info: keep("info"), warn: keep("warn"), error: keep("error") }
}
