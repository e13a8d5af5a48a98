/** The audit log of a data folder or a database, read without a server. */
import { type AuditTrail, openAuditTrail, readConfig, type ServerConfig } from "@coffer/server"
import type { Command } from "commander"
import type { CommandContext } from "./context.ts"
import { createLogger } from "./logger.ts"
import { fromServerError } from "./server-failure.ts"

export type TrailFlags = { readonly dataDir?: string }

export function addDataOption(command: Command): Command {
  return command.option(
    "--data-dir <folder>",
    "data folder of the server (COFFER_DATA_DIR; default ./coffer-data)",
  )
}

/** Opens the log, does the work and closes it. @throws CommandError saying what the server's part refused */
export async function withTrail<T>(
  context: CommandContext,
  flags: TrailFlags,
  work: (trail: AuditTrail) => Promise<T>,
): Promise<T> {
  try {
    const folder = flags.dataDir === undefined ? {} : { COFFER_DATA_DIR: flags.dataDir }
    const config = readConfig({ ...context.config.environment, ...folder })
    const trail = await openAuditTrail(trailConfig(config), createLogger("coffer-audit", "silent"))
    return await work(trail).finally(() => trail.close())
  } catch (error) {
    throw fromServerError(error)
  }
}

/** The settings that say where the log is and which key opens it; an absent setting is left out. */
function trailConfig(config: ServerConfig): Parameters<typeof openAuditTrail>[0] {
  const { dataFolder, connectionUri, rootCertificatePem } = config
  const { rootEncryptionKey, encryptionKey, rootKeyFile } = config
  return {
    dataFolder,
    ...(connectionUri === undefined ? {} : { connectionUri }),
    ...(rootCertificatePem === undefined ? {} : { rootCertificatePem }),
    ...(rootEncryptionKey === undefined ? {} : { rootEncryptionKey }),
    ...(encryptionKey === undefined ? {} : { encryptionKey }),
    ...(rootKeyFile === undefined ? {} : { rootKeyFile }),
  }
}
