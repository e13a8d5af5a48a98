import type { Writable } from "node:stream"
import type { FastifyInstance } from "fastify"
import { createApp } from "./app.ts"
import { startRetention } from "./audit/index.ts"
import type { Clock } from "./clock.ts"
import type { ServerConfig } from "./config.ts"
import type { OpenDatabase } from "./db/index.ts"
import { AppError } from "./errors.ts"
import { pruneChanges } from "./events/index.ts"
import { pruneResets } from "./features/accounts/index.ts"
import { type AdminDeps, createSetupToken } from "./features/admin/index.ts"
import { pruneAttempts } from "./features/attempts/index.ts"
import { pruneHistory } from "./features/history/index.ts"
import { pruneInvitations } from "./features/invitations/index.ts"
import { pruneChallenges } from "./features/passkeys/index.ts"
import { giveUpAbandoned } from "./features/project-archive/index.ts"
import type { Removal } from "./features/project-removal/index.ts"
import { mailDueReminders, type ReminderMailDeps } from "./features/reminder-mails/index.ts"
import { removeDeadSessions } from "./features/sessions/index.ts"
import { removeDeadTokens } from "./features/tokens/index.ts"
import { endDeliveryLeases } from "./features/webhooks/index.ts"
import type { Log } from "./log.ts"
import type { Random } from "./random.ts"
import { openStorage } from "./storage.ts"
import { endTaskLeases } from "./task-lease.ts"

export type ServerDeps = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Shows the person who started the server what must be in no log: the setup token of the first run. */
  announce(text: string): void
  /** Standard output, for an audit stream that goes there. */
  readonly output?: Writable
}

export type RunningServer = {
  /** Without a trailing slash and without `/api`. */
  readonly url: string
  /** Lets requests under way finish, for a limited time, and closes the database. */
  close(): Promise<void>
}

const housekeepingIntervalMs = 10 * 60 * 1_000
const revokedTokenGraceMs = 60 * 60 * 1_000
/** A copy of the refresh token of a session that ended may still come and must find out. */
const endedSessionsKeptMs = 30 * 24 * 60 * 60 * 1_000
const drainTimeoutMs = 10_000

/**
 * Starts the server: storage, routes, listening.
 *
 * @throws AppError "unavailable" when the database or the port cannot be used, "invalid" for a wrong root key
 */
export async function startServer(config: ServerConfig, deps: ServerDeps): Promise<RunningServer> {
  for (const warning of config.warnings) deps.log.warn({ warning }, "configuration")
  const storage = await openStorage(storageConfig(config), deps)
  try {
    const local = {
      auditStreamFile: config.auditStreamFile,
      auditStreamOutput: config.hasAuditStreamOutput ? deps.output : undefined,
    }
    const { http, features, webhooks, auditStreams, mails, outbox, removal } = createApp(
      { ...config, local },
      { ...storage, ...deps },
    )
    // The folder of the embedded database is locked while a process has it: whoever had it before is dead.
    const isOnlyProcess = storage.database.kind === "sqlite"
    await giveUpAbandoned(features, { isOnlyProcess })
    if (isOnlyProcess) await endLeases(storage.database)
    await auditStreams.prepare()
    await announceSetup(features, deps)
    const url = await listen(http, config)
    const { siteUrl } = config
    const stopHousekeeping = startHousekeeping({ ...features, outbox, siteUrl, removal }, deps.log)
    const disconnectSignals = features.signal.connect()
    webhooks.start()
    mails?.start()
    auditStreams.start()
    removal.start()
    const stopRetention = startRetention({ ...storage, ...deps, signer: storage.keyring })
    deps.log.info({ url, database: storage.database.kind }, "server is listening")
    return {
      url,
      close: async () => {
        stopHousekeeping()
        disconnectSignals()
        await drain(http)
        await webhooks.stop()
        await mails?.stop()
        await auditStreams.stop()
        await removal.stop()
        await stopRetention()
        await storage.database.close()
      },
    }
  } catch (error) {
    await storage.database.close()
    throw error
  }
}

function storageConfig(config: ServerConfig): Parameters<typeof openStorage>[0] {
  const { connectionUri, rootCertificatePem, maxConnections } = config
  const { rootEncryptionKey, encryptionKey, rootKeyFile, authSecret } = config
  return {
    dataFolder: config.dataFolder,
    ...(connectionUri === undefined ? {} : { connectionUri }),
    ...(rootCertificatePem === undefined ? {} : { rootCertificatePem }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(rootEncryptionKey === undefined ? {} : { rootEncryptionKey }),
    ...(encryptionKey === undefined ? {} : { encryptionKey }),
    ...(rootKeyFile === undefined ? {} : { rootKeyFile }),
    ...(authSecret === undefined ? {} : { authSecret }),
  }
}

/** What processes before this one had taken for themselves is free at once, and not when its time is over. */
async function endLeases(database: OpenDatabase): Promise<void> {
  await database.write(async ({ db }) => {
    await endTaskLeases(db)
    await endDeliveryLeases(db)
  })
}

async function announceSetup(features: AdminDeps, deps: ServerDeps): Promise<void> {
  const token = await createSetupToken(features)
  if (token === undefined) return
  deps.announce(
    `This server is not set up yet. From this machine run: coffer bootstrap (in a clone: npm run -s coffer -- bootstrap)\nFrom another machine it needs this setup token: ${token}`,
  )
}

async function listen(http: FastifyInstance, config: ServerConfig): Promise<string> {
  try {
    const address = await http.listen({ host: config.host, port: config.port })
    return address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")
  } catch (error) {
    await http.close()
    const { host, port } = config
    throw new AppError("unavailable", "ServiceUnavailable", `Cannot listen on ${host}:${port}`, {
      cause: error,
    })
  }
}

/** Removes what nobody comes back for, such as rows of dead tokens, and mails reminders that are due. */
function startHousekeeping(
  features: AdminDeps & ReminderMailDeps & { readonly removal: Removal },
  log: Log,
): () => void {
  const clean = async () => {
    const now = features.clock.now()
    const before = { expired: now, revoked: now - revokedTokenGraceMs }
    await features.database.write(({ db }) => removeDeadTokens(db, before))
    const sessionsBefore = { expired: now, revoked: now - endedSessionsKeptMs }
    await features.database.write(({ db }) => removeDeadSessions(db, sessionsBefore))
    await pruneAttempts(features)
    await pruneResets(features)
    await pruneChallenges(features)
    await pruneInvitations(features)
    await mailDueReminders(features)
    await pruneChanges(features)
    await pruneHistory(features)
    await giveUpAbandoned(features)
    // Also what a replica hid that is gone.
    features.removal.wake()
  }
  const timer = setInterval(() => {
    clean().catch((error: unknown) => log.warn({ problem: String(error) }, "housekeeping failed"))
  }, housekeepingIntervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

async function drain(http: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => http.server.closeAllConnections(), drainTimeoutMs)
  try {
    await http.close()
  } finally {
    clearTimeout(timer)
  }
}
