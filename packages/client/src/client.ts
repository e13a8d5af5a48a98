/** The client: one object with the areas of the API as its fields. */
import { accessArea } from "./areas/access.ts"
import { adminArea, statusArea } from "./areas/admin.ts"
import { archivesArea } from "./areas/archives.ts"
import { auditStreamsArea } from "./areas/audit-streams.ts"
import { authArea } from "./areas/auth.ts"
import { foldersArea } from "./areas/folders.ts"
import { groupsArea } from "./areas/groups.ts"
import { historyArea } from "./areas/history.ts"
import { identitiesArea, universalAuthArea } from "./areas/identities.ts"
import { invitationsArea } from "./areas/invitations.ts"
import { membershipsArea } from "./areas/memberships.ts"
import { ownAccountArea } from "./areas/own-account.ts"
import { passkeyPagesArea } from "./areas/passkey-pages.ts"
import { peopleArea, usersArea } from "./areas/people.ts"
import { environmentsArea, projectsArea } from "./areas/projects.ts"
import { rolesArea } from "./areas/roles.ts"
import { searchArea } from "./areas/search.ts"
import { secretFilesArea } from "./areas/secret-files.ts"
import { secretsArea } from "./areas/secrets.ts"
import { signOnArea } from "./areas/sign-on.ts"
import { transfersArea } from "./areas/transfers.ts"
import { trashArea } from "./areas/trash.ts"
import { webhooksArea } from "./areas/webhooks.ts"
import { normalizeBaseUrl } from "./base-url.ts"
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry.ts"
import { createTransport } from "./transport.ts"

export type ClientOptions = {
  /** Address of the server, with or without `/api`. */
  readonly baseUrl: string
  /** The access token, or a function that is asked before every try. */
  readonly token?: string | (() => string | undefined) | undefined
  /** Limit of one try. */
  readonly timeoutMs?: number
  /** For reads only; writes are never repeated. */
  readonly retry?: Partial<RetryPolicy>
  readonly userAgent?: string
  readonly fetch?: typeof fetch
  /** Spreads retries; in [0, 1). */
  readonly random?: () => number
  /** Ends every call of this client. */
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_TIMEOUT_MS = 30_000

/**
 * A client of one server. It keeps no connection and no state beyond its options, so it needs no closing.
 *
 * @throws TypeError when `baseUrl` is no http or https address
 */
export function createClient(options: ClientOptions) {
  const token = options.token
  const transport = createTransport({
    baseUrl: normalizeBaseUrl(options.baseUrl),
    token: typeof token === "function" ? token : () => token,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    retry: { ...DEFAULT_RETRY_POLICY, ...options.retry },
    userAgent: options.userAgent ?? "coffer-client",
    fetch: options.fetch ?? globalThis.fetch,
    random: options.random ?? Math.random,
    signal: options.signal,
  })
  return {
    access: accessArea(transport),
    admin: adminArea(transport),
    archives: archivesArea(transport),
    auditStreams: auditStreamsArea(transport),
    auth: authArea(transport),
    environments: environmentsArea(transport),
    folders: foldersArea(transport),
    groups: groupsArea(transport),
    history: historyArea(transport),
    identities: identitiesArea(transport),
    invitations: invitationsArea(transport),
    memberships: membershipsArea(transport),
    ownAccount: ownAccountArea(transport),
    passkeyPages: passkeyPagesArea(transport),
    people: peopleArea(transport),
    projects: projectsArea(transport),
    roles: rolesArea(transport),
    search: searchArea(transport),
    secretFiles: secretFilesArea(transport),
    secrets: secretsArea(transport),
    signOn: signOnArea(transport),
    status: statusArea(transport),
    transfers: transfersArea(transport),
    trash: trashArea(transport),
    universalAuth: universalAuthArea(transport),
    users: usersArea(transport),
    webhooks: webhooksArea(transport),
  }
}

export type CofferClient = ReturnType<typeof createClient>
