/**
 * Short messages between the processes that share one database. They are hints that something may have changed: one
 * may be lost or come late, so whoever listens also asks the database now and then.
 */
export interface Signals {
  /** Sends soon, to every process but this one; never fails. Names and ids only, at most 7,000 bytes. */
  send(message: string): void
  /** Calls `listener` with what other processes send, until the returned function is called. */
  listen(listener: (message: string) => void): () => void
}
