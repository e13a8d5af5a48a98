/**
 * Where parts of the server report what no caller can be told. A pino logger is one. The message is constant, what
 * varies goes into the fields, and secrets, tokens and keys into neither.
 */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
