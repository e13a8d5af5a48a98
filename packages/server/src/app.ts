import type { FastifyInstance } from "fastify"
import type { Session } from "./actor.ts"
import { ActorCache, ProjectCache } from "./cache/index.ts"
import type { Clock } from "./clock.ts"
import { defaultLifetimes, type ServerConfig } from "./config.ts"
import { type EdgeConfig, httpOptionsOf } from "./edge-config.ts"
import type { AppError, ErrorKind } from "./errors.ts"
import { ChangeSignal } from "./events/index.ts"
import { accessRoutes } from "./features/access/index.ts"
import { accountRoutes } from "./features/accounts/index.ts"
import { type AdminDeps, adminRoutes } from "./features/admin/index.ts"
import { auditLogRoutes } from "./features/audit-log/index.ts"
import { AuditStreamWorker, auditStreamRoutes, type LocalStreams } from "./features/audit-streams/index.ts"
import { identityLoginRoutes } from "./features/auth-methods/index.ts"
import { environmentRoutes } from "./features/environments/index.ts"
import { eventRoutes } from "./features/events/index.ts"
import { externalAuthRoutes, KeySets } from "./features/external-auth/index.ts"
import { arrangeFolderRoutes, folderRoutes } from "./features/folders/index.ts"
import { groupRoutes } from "./features/groups/index.ts"
import { historyRoutes } from "./features/history/index.ts"
import { identityRoutes } from "./features/identities/index.ts"
import { invitationRoutes } from "./features/invitations/index.ts"
import { loginRoutes } from "./features/logins/index.ts"
import { MailWorker, Outbox } from "./features/mail/index.ts"
import { membershipRoutes } from "./features/memberships/index.ts"
import { oidcRoutes, Providers } from "./features/oidc-sign-on/index.ts"
import { openApiRoutes } from "./features/openapi/index.ts"
import { passkeyRoutes } from "./features/passkeys/index.ts"
import { Passwords } from "./features/passwords/index.ts"
import { privilegeRoutes } from "./features/privileges/index.ts"
import { projectArchiveRoutes } from "./features/project-archive/index.ts"
import { ProjectRemover } from "./features/project-removal/index.ts"
import { projectRoutes } from "./features/projects/index.ts"
import { roleRoutes } from "./features/roles/index.ts"
import { searchRoutes } from "./features/search/index.ts"
import { secondFactorRoutes } from "./features/second-factors/index.ts"
import { secretFileRoutes } from "./features/secret-files/index.ts"
import { secretImportRoutes } from "./features/secret-imports/index.ts"
import { arrangeRoutes, secretReferenceRoutes, secretRoutes } from "./features/secrets/index.ts"
import { sessionRoutes } from "./features/sessions/index.ts"
import { statusRoutes } from "./features/status/index.ts"
import { tagRoutes } from "./features/tags/index.ts"
import { tokenAuthRoutes } from "./features/token-auth/index.ts"
import { TokenAuthenticator, tokenRoutes } from "./features/tokens/index.ts"
import { transferRoutes } from "./features/transfers/index.ts"
import { trashRoutes } from "./features/trash/index.ts"
import { universalAuthRoutes } from "./features/universal-auth/index.ts"
import { WebhookWorker, webhookRoutes } from "./features/webhooks/index.ts"
import {
  type CataloguedRoute,
  createHttpApp,
  type HttpPorts,
  limitedAuthentication,
  type Routes,
} from "./http/index.ts"
import { AnswerSealer } from "./keyring/index.ts"
import type { Log } from "./log.ts"
import type { Random } from "./random.ts"
import type { Storage } from "./storage.ts"
import { isRecorded, refusalEvent, WarmAnswers } from "./use-case/index.ts"

export type AppConfig = Pick<ServerConfig, "trustedProxies" | "tokenCeilingSeconds" | "isBootstrapOpen"> &
  Partial<
    Pick<ServerConfig, "allowInternalConnections" | "isHttps" | "sessionLifetimes" | "mail" | "siteUrl">
  > & {
    readonly edge?: Partial<EdgeConfig>
    /** Where the audit log is published on this machine. */
    readonly local?: LocalStreams
  }

export type AppDeps = Storage & {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The HTTP application over an open storage, with everything the features need of each other. It does not listen. */
export type App = {
  readonly http: FastifyInstance
  readonly features: AdminDeps
  /** Works beside the requests once it is started. */
  readonly webhooks: WebhookWorker
  /** Sends mails once it is started; `undefined` when no mail server is configured. */
  readonly mails: MailWorker | undefined
  /** What waits to be sent. */
  readonly outbox: Outbox
  readonly auditStreams: AuditStreamWorker
  /** Removes what deleted projects held once it is started. */
  readonly removal: ProjectRemover
  /** Every route that was registered; complete when `http` is ready. */
  readonly catalogue: readonly CataloguedRoute[]
}

const version = "0.1.0"

export function createApp(config: AppConfig, deps: AppDeps): App {
  const { reader } = deps.database
  const features: AdminDeps = {
    database: deps.database,
    keyring: deps.keyring,
    clock: deps.clock,
    random: deps.random,
    actors: new ActorCache(reader),
    projects: new ProjectCache(reader, deps.keyring),
    signal: new ChangeSignal(deps.database.signals),
    tokenCeilingSeconds: config.tokenCeilingSeconds,
    isBootstrapOpen: config.isBootstrapOpen,
    passwords: new Passwords(deps.random),
  }
  const edge = httpOptionsOf(config.edge ?? {}, deps.clock)
  const authenticator = new TokenAuthenticator(features)
  const ports: HttpPorts = {
    authenticate: limitedAuthentication(
      (authorization, origin, leniency) => authenticator.authenticate(authorization, origin, leniency),
      edge.rateLimits,
    ),
    recordRefusal: (session, error) => recordRefusal(features, session, error),
    warmAnswers: new WarmAnswers(features, new AnswerSealer(deps.random)),
  }
  const webhookDeps = {
    ...features,
    log: deps.log,
    allowInternalConnections: config.allowInternalConnections ?? false,
  }
  const streamDeps = { ...webhookDeps, local: config.local ?? {} }
  const people = {
    ...features,
    lifetimes: config.sessionLifetimes ?? defaultLifetimes,
    isHttps: config.isHttps ?? false,
  }
  const outbox = new Outbox(deps, { isOpen: config.mail !== undefined })
  const mails = config.mail === undefined ? undefined : new MailWorker(deps, config.mail, outbox)
  const removal = new ProjectRemover(deps)
  const catalogue: CataloguedRoute[] = []
  const { random, log } = deps
  const http = createHttpApp({ random, log, trustedProxies: config.trustedProxies, catalogue, ...edge }, [
    statusRoutes({ ...features, isMailConfigured: outbox.isOpen }),
    adminRoutes(features),
    universalAuthRoutes(features, ports),
    tokenAuthRoutes(features, ports),
    accessRoutes(features, ports),
    identityLoginRoutes(features, ports),
    externalAuthRoutes(
      {
        ...features,
        keySets: new KeySets(deps.clock),
        allowInternalConnections: config.allowInternalConnections ?? false,
      },
      ports,
    ),
    tokenRoutes(features),
    ...peopleRoutes({ ...people, outbox, log }, config, ports),
    identityRoutes(features, ports),
    projectRoutes({ ...features, removal }, ports),
    projectArchiveRoutes({ ...features, log }, ports),
    ...contentRoutes(features, ports),
    auditLogRoutes(features, ports),
    auditStreamRoutes(streamDeps, ports),
    eventRoutes({ ...features, log }, ports),
    webhookRoutes(webhookDeps, ports),
    openApiRoutes({ catalogue, version }),
  ])
  const workers = {
    webhooks: new WebhookWorker(webhookDeps),
    auditStreams: new AuditStreamWorker(streamDeps),
    mails,
    removal,
  }
  return { http, features, ...workers, outbox, catalogue }
}

/** How people get in, and what they look after themselves. */
function peopleRoutes(
  people: Omit<Parameters<typeof invitationRoutes>[0], "siteUrl"> &
    Omit<Parameters<typeof oidcRoutes>[0], "siteUrl" | "providers">,
  config: AppConfig,
  ports: HttpPorts,
): readonly Routes[] {
  const deps = { ...people, siteUrl: config.siteUrl }
  return [
    loginRoutes(deps, ports),
    sessionRoutes(deps, ports),
    passkeyRoutes(deps, ports),
    accountRoutes(deps, ports),
    oidcRoutes(
      {
        ...deps,
        providers: new Providers(deps.clock, {
          allowPrivateAddresses: config.allowInternalConnections ?? false,
        }),
      },
      ports,
    ),
    invitationRoutes(deps, ports),
    secondFactorRoutes(deps, ports),
  ]
}

/** What projects hold, and who may do what with it. */
function contentRoutes(features: AdminDeps, ports: HttpPorts): readonly Routes[] {
  return [
    environmentRoutes(features, ports),
    membershipRoutes(features, ports),
    roleRoutes(features, ports),
    groupRoutes(features, ports),
    privilegeRoutes(features, ports),
    folderRoutes(features, ports),
    arrangeFolderRoutes(features, ports),
    transferRoutes(features, ports),
    secretFileRoutes(features, ports),
    secretRoutes(features, ports),
    secretImportRoutes(features, ports),
    secretReferenceRoutes(features, ports),
    searchRoutes(features, ports),
    arrangeRoutes(features, ports),
    tagRoutes(features, ports),
    historyRoutes(features, ports),
    trashRoutes(features, ports),
  ]
}

/** Refusals that belong in the audit log; a request that could not be understood or served is none. */
const isAudited = {
  invalid: true,
  unauthenticated: true,
  forbidden: true,
  "not-found": true,
  conflict: true,
  unprocessable: false,
  "rate-limited": false,
  unavailable: false,
} as const satisfies Record<ErrorKind, boolean>

async function recordRefusal(deps: AdminDeps, session: Session, error: AppError): Promise<void> {
  if (isRecorded(error) || !isAudited[error.kind]) return
  const event = refusalEvent(deps, session, error, null)
  await deps.database.record([event], { projectIds: [], actorIds: [] })
}
