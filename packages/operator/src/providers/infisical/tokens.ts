/**
 * Access tokens, one per (host, credentials at their version, organization), shared by every store that uses them.
 * Renewed before they expire, obtained anew when the server no longer accepts them; one request at a time each.
 */
import type { Clock } from "@coffer/kube-runtime"
import { z } from "zod"
import { orAborted } from "../shared-reads.ts"
import { ApiError } from "./api-error.ts"
import type { Login } from "./auth.ts"
import type { Http } from "./http.ts"

export type Session = {
  /** Identifies the session in cache keys; holds no secret. */
  readonly id: string
  readonly base: string
  readonly ca: string | undefined
  readonly organizationSlug: string
  readonly login: Login
}

type Token = {
  readonly value: string
  readonly issuedMs: number
  readonly expiresMs: number
  /** When renewals end and a new login is needed; Infinity if never. */
  readonly renewableUntilMs: number
}

type Entry = {
  token: Promise<Token>
  settled: Token | undefined
  blockedUntilMs: number | undefined
  usedMs: number
}

const answerSchema = z.object({
  accessToken: z.string().min(1),
  expiresIn: z.number().default(0),
  accessTokenMaxTTL: z.number().default(0),
})

const MAX_TOKENS = 1_000
const IDLE_MS = 60 * 60_000
/** A refused login is not repeated sooner: servers lock identities out after a few failures. */
const REFUSED_PAUSE_MS = 10_000
/** Callers that come right after another failure share it. */
const FAILED_PAUSE_MS = 500
const MAX_RENEWAL_MARGIN_MS = 60_000

export class TokenCache {
  readonly #http: Http
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(http: Http, clock: Clock) {
    this.#http = http
    this.#clock = clock
  }

  /** A token that is valid for a while. `refused` is one that the server no longer accepted. */
  async get(session: Session, signal: AbortSignal, refused?: string): Promise<string> {
    if (session.login.kind === "token") return session.login.token
    const nowMs = this.#clock.nowMs()
    const entry = this.#entries.get(session.id)
    if (entry && this.#isUsable(entry, nowMs, refused)) {
      entry.usedMs = nowMs
      return (await orAborted(entry.token, signal)).value
    }
    const canRenew = entry?.settled && entry.settled.value !== refused ? entry.settled : undefined
    return (await orAborted(this.#begin(session, canRenew).token, signal)).value
  }

  #isUsable(entry: Entry, nowMs: number, refused: string | undefined): boolean {
    if (entry.blockedUntilMs !== undefined) return nowMs < entry.blockedUntilMs
    if (!entry.settled) return true
    return entry.settled.value !== refused && nowMs < entry.settled.expiresMs - marginMs(entry.settled)
  }

  #begin(session: Session, current: Token | undefined): Entry {
    const nowMs = this.#clock.nowMs()
    const entry: Entry = {
      token: this.#obtain(session, current, nowMs),
      settled: undefined,
      blockedUntilMs: undefined,
      usedMs: nowMs,
    }
    entry.token.then(
      (token) => {
        entry.settled = token
      },
      (error: unknown) => {
        const isRefused = error instanceof ApiError && error.status < 500
        entry.blockedUntilMs = this.#clock.nowMs() + (isRefused ? REFUSED_PAUSE_MS : FAILED_PAUSE_MS)
      },
    )
    this.#entries.delete(session.id)
    this.#entries.set(session.id, entry)
    this.#dropIdle(nowMs)
    return entry
  }

  async #obtain(session: Session, current: Token | undefined, nowMs: number): Promise<Token> {
    if (current && nowMs < current.expiresMs && current.expiresMs < current.renewableUntilMs) {
      try {
        return await this.#renew(session, current, nowMs)
      } catch {
        // The renewal was refused; whatever the reason, a login decides.
      }
    }
    return this.#logIn(session, nowMs)
  }

  async #logIn(session: Session, nowMs: number): Promise<Token> {
    if (session.login.kind !== "exchange") throw new Error("this session needs no login")
    const organization = session.organizationSlug ? { organizationSlug: session.organizationSlug } : {}
    const answer = await this.#http.call({
      name: session.login.call,
      method: "POST",
      url: `${session.base}${session.login.path}`,
      body: { ...(await session.login.body()), ...organization },
      ...(session.ca === undefined ? {} : { ca: session.ca }),
    })
    const { accessToken, expiresIn, accessTokenMaxTTL } = parseAnswer(answer.body)
    return {
      value: accessToken,
      issuedMs: nowMs,
      expiresMs: expiresIn > 0 ? nowMs + expiresIn * 1_000 : Number.POSITIVE_INFINITY,
      renewableUntilMs: accessTokenMaxTTL > 0 ? nowMs + accessTokenMaxTTL * 1_000 : Number.POSITIVE_INFINITY,
    }
  }

  async #renew(session: Session, current: Token, nowMs: number): Promise<Token> {
    const answer = await this.#http.call({
      name: "RenewAccessToken",
      method: "POST",
      url: `${session.base}/v1/auth/token/renew`,
      token: current.value,
      body: { accessToken: current.value },
      ...(session.ca === undefined ? {} : { ca: session.ca }),
    })
    const { accessToken, expiresIn } = parseAnswer(answer.body)
    const expiresMs = expiresIn > 0 ? nowMs + expiresIn * 1_000 : Number.POSITIVE_INFINITY
    return { ...current, value: accessToken, issuedMs: nowMs, expiresMs }
  }

  #dropIdle(nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (nowMs - entry.usedMs > IDLE_MS || this.#entries.size > MAX_TOKENS) this.#entries.delete(id)
    }
  }
}

function marginMs(token: Token): number {
  return Math.min(MAX_RENEWAL_MARGIN_MS, (token.expiresMs - token.issuedMs) / 10)
}

function parseAnswer(body: unknown): z.infer<typeof answerSchema> {
  const parsed = answerSchema.safeParse(body)
  if (!parsed.success) throw new Error("the answer to the login holds no access token")
  return parsed.data
}
