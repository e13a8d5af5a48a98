/** What can be wrong with an archive as a file. */
export type ArchiveProblem =
  /** It opens with another passphrase or identity. */
  | "wrong-key"
  /** It is no age file, or holds something else. */
  | "not-an-archive"
  /** A part of it was changed or is missing. */
  | "damaged"
  /** A record is longer than a reader accepts. */
  | "too-large"
  /** The passphrase, recipient or identity itself is malformed. */
  | "invalid-key"

/** A refusal that its reader is told about; the message quotes nothing of the file. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError"
  readonly problem: ArchiveProblem

  constructor(problem: ArchiveProblem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}
