/** One open `infisical` store: answers from the shared list of a scope where it may, and asks alone where it must. */
import type { Find, RemoteRef } from "../../api/external-secret.ts"
import type { SecretData } from "../../data/keys.ts"
import { compileRegexp } from "../../go/regexp.ts"
import { membersOf, propertyOf } from "../json-values.ts"
import {
  NoSecretError,
  type ReadContext,
  type StoreClient,
  StoreConfigError,
  type Validation,
} from "../provider.ts"
import type { SharedReads } from "../shared-reads.ts"
import { ApiError } from "./api-error.ts"
import type { ApiAnswer, Http } from "./http.ts"
import {
  flatten,
  isEmpty,
  type ListedSecret,
  type Listing,
  parseListing,
  parseSingle,
  valueInListing,
} from "./listing.ts"
import { listUrl, namesUrl, type Scope, scopeId, singleUrl } from "./requests.ts"
import { type InfisicalSettings, locateKey } from "./settings.ts"
import type { Session, TokenCache } from "./tokens.ts"

/**
 * What the server answered to "list this folder": the list, the names alone because some value may not be read, or
 * that this identity may not have it.
 */
export type CachedListing =
  | { readonly kind: "listed"; readonly listing: Listing; readonly etag: string | undefined }
  | { readonly kind: "names"; readonly listing: Listing; readonly error: ApiError }
  | { readonly kind: "refused"; readonly error: ApiError }

export type ClientDeps = {
  readonly http: Http
  readonly tokens: TokenCache
  readonly listings: SharedReads<CachedListing>
}

/** A name that no project uses: asking for it tells an empty folder from one that isn't there. */
const PROBE_NAME = "COFFER_FOLDER_PROBE"

/** Answers to a list that say something about the caller or the folder, not about the server's health. */
const REFUSALS = [400, 403, 404, 422]

export class InfisicalClient implements StoreClient {
  readonly #deps: ClientDeps
  readonly #session: Session
  readonly #settings: InfisicalSettings["secretsScope"]

  constructor(deps: ClientDeps, session: Session, settings: InfisicalSettings["secretsScope"]) {
    this.#deps = deps
    this.#session = session
    this.#settings = settings
  }

  async validate(context: ReadContext): Promise<Validation> {
    try {
      await this.#listOrThrow(this.#scopeOf(this.#settings.secretsPath), context)
      return { kind: "ready" }
    } catch (error) {
      context.signal.throwIfAborted()
      return { kind: "failed", error: error instanceof Error ? error : new Error("the list failed") }
    }
  }

  async getSecret(ref: RemoteRef, context: ReadContext): Promise<Uint8Array> {
    const { folder, name } = locateKey(this.#settings.secretsPath, ref.key)
    const scope = this.#scopeOf(folder)
    const answer = await this.#list(scope, context)
    // Whoever may not list may still be allowed to read one secret: that answer decides.
    const listed = answer.kind === "listed" ? valueInListing(answer.listing, name, scope) : undefined
    const value = utf8(listed ?? (await this.#askAlone(scope, name, context)))
    if (!ref.property) return value
    const property = propertyOf(value, ref.property)
    if (!property) throw new Error(`property ${ref.property} does not exist in secret ${ref.key}`)
    return property
  }

  async getSecretMap(ref: RemoteRef, context: ReadContext): Promise<SecretData> {
    return membersOf(ref.key, await this.getSecret(ref, context))
  }

  async findSecrets(find: Find, context: ReadContext): Promise<SecretData> {
    if (find.tags) throw new StoreConfigError("find by tags not supported")
    const matches = findFilter(find)
    const scope = this.#scopeOf(this.#settings.secretsPath)
    const answer = await this.#listOrThrow(scope, context)
    if (isEmpty(answer.listing)) await this.#probeFolder(scope, context)
    const found = new Map<string, Uint8Array>()
    for (const secret of flatten(answer.listing).values()) {
      if (!matches(secret)) continue
      // Which import a find takes a name from, no question for a single secret can tell.
      if (answer.kind === "names" && !answer.listing.direct.includes(secret)) throw answer.error
      const value = answer.kind === "listed" ? secret.value : undefined
      found.set(secret.key, utf8(value ?? (await this.#askListed(scope, secret, context))))
    }
    return found
  }

  /** A name that was listed a moment ago and is missing now says that the list is old, not that nothing is there. */
  async #askListed(scope: Scope, { key, path }: ListedSecret, context: ReadContext): Promise<string> {
    try {
      return await this.#askAlone({ ...scope, folder: path ?? scope.folder }, key, context)
    } catch (error) {
      if (!(error instanceof NoSecretError)) throw error
      throw new Error(`secret ${key} was listed, and is missing when it is asked for alone`, { cause: error })
    }
  }

  // Only the store's own folder is ever listed with its sub-folders; other folders hold keys that were named.
  #scopeOf(folder: string): Scope {
    const { projectSlug, environmentSlug, expandSecretReferences, recursive, secretsPath } = this.#settings
    const isOwnFolder = folder === secretsPath
    return {
      projectSlug,
      environmentSlug,
      expandSecretReferences,
      folder,
      recursive: recursive && isOwnFolder,
    }
  }

  #list(scope: Scope, context: ReadContext): Promise<CachedListing> {
    const id = scopeId(this.#session, scope)
    return this.#deps.listings.read(id, context, (previous) => this.#requestList(scope, previous))
  }

  async #requestList(scope: Scope, previous: CachedListing | undefined): Promise<CachedListing> {
    const etag = previous?.kind === "listed" ? previous.etag : undefined
    try {
      const answer = await this.#authorized({
        name: "GetSecretsV3",
        url: listUrl(this.#session.base, scope),
        ...(etag ? { ifNoneMatch: etag } : {}),
      })
      if (answer.status === 304 && previous) return previous
      return { kind: "listed", listing: parseListing(answer.body), etag: answer.etag }
    } catch (error) {
      if (!(error instanceof ApiError) || !REFUSALS.includes(error.status)) throw error
      const names = error.status === 403 ? await this.#requestNames(scope) : undefined
      return names === undefined ? { kind: "refused", error } : { kind: "names", listing: names, error }
    }
  }

  /** One value that may not be read fails the list of all; the names say which others to ask for. */
  async #requestNames(scope: Scope): Promise<Listing | undefined> {
    try {
      const url = namesUrl(this.#session.base, scope)
      return parseListing((await this.#authorized({ name: "GetSecretsV3", url })).body)
    } catch (error) {
      if (error instanceof ApiError && REFUSALS.includes(error.status)) return undefined
      throw error
    }
  }

  async #listOrThrow(
    scope: Scope,
    context: ReadContext,
  ): Promise<Exclude<CachedListing, { readonly kind: "refused" }>> {
    const answer = await this.#list(scope, context)
    if (answer.kind === "refused") throw answer.error
    return answer
  }

  async #askAlone(scope: Scope, name: string, context: ReadContext): Promise<string> {
    context.signal.throwIfAborted()
    try {
      const answer = await this.#authorized({
        name: "GetSecretByKeyV3",
        url: singleUrl(this.#session.base, scope, name),
      })
      const value = parseSingle(answer.body)
      if (value === undefined) throw new Error(`the value of secret ${name} is hidden from this identity`)
      return value
    } catch (error) {
      if (error instanceof ApiError && error.isSecretMissing) throw new NoSecretError()
      throw error
    }
  }

  // A folder that isn't there lists as empty: an empty result must not be believed before the folder was seen.
  async #probeFolder(scope: Scope, context: ReadContext): Promise<void> {
    try {
      await this.#askAlone(scope, PROBE_NAME, context)
    } catch (error) {
      if (!(error instanceof NoSecretError)) throw error
    }
  }

  async #authorized(call: { name: string; url: string; ifNoneMatch?: string }): Promise<ApiAnswer> {
    const signal = new AbortController().signal // shared work: it has its own limits and outlives a single caller
    const ca = this.#session.ca === undefined ? {} : { ca: this.#session.ca }
    const token = await this.#deps.tokens.get(this.#session, signal)
    try {
      return await this.#deps.http.call({ ...call, ...ca, method: "GET", token })
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isTokenRefused || this.#session.login.kind === "token")
        throw error
      const renewed = await this.#deps.tokens.get(this.#session, signal, token)
      return this.#deps.http.call({ ...call, ...ca, method: "GET", token: renewed })
    }
  }
}

function findFilter(find: Find): (secret: ListedSecret) => boolean {
  const regexp = find.name?.regexp === undefined ? undefined : compileRegexp(find.name.regexp)
  const prefix = find.path
  return ({ key, path }) => {
    if (regexp && !regexp.test(key)) return false
    return prefix === undefined || (path?.startsWith(prefix) ?? false)
  }
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"))
}
