/**
 * The archive of a project as a file. Layout, from the outside in:
 *
 *   age v1, binary (https://age-encryption.org/v1): header with one stanza per recipient, or one scrypt stanza;
 *     payload in chunks of 64 KiB, each authenticated, the last one marked
 *   UTF-8 text, one JSON object per line, every line ended by LF, no line longer than 8 MiB:
 *     {"kind":"header","format":"coffer/project-archive","version":1,...}
 *     {"kind":"...",...}                 any number
 *     {"kind":"end","counts":{"header":1,...},"sha256":"..."}
 *   `counts` says how many lines of each kind came before, `sha256` is over all their bytes, LFs included, in lower-case
 *   hexadecimal. Nothing follows.
 */
export { type ArchiveKey, type ArchiveLock, createKeyPair, decryptArchive, encryptArchive } from "./age.ts"
export { ArchiveError, type ArchiveProblem } from "./archive-error.ts"
export { type ArchiveRecord, RecordWriter, readRecords } from "./records.ts"
