/** Secrets as files: text in, entries out, and back. No disk, no server, no clock. */
export { formatSecretFile, type WritableFormat, writableFormats } from "./format.ts"
export { parseSecretFile, type ReadableFormat, readableFormats } from "./parse.ts"
export { type FileEntry, SecretFileError } from "./secret-file.ts"
