/** What the runtime needs of a logger: the part of pino that it uses. Constant message, data in fields. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  child(bindings: LogFields): Logger
}

export type LogFields = Record<string, unknown>

/** Swallows everything; for tests and tools that report in another way. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
