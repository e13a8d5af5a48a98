/**
 * What this process remembers of objects between two looks, so that it neither repeats reads nor trusts a cache that
 * lags behind its own writes. Everything here may be lost at any time; it only costs a read.
 */
import {
  type Clock,
  type Informer,
  keyOf,
  keyText,
  type ObjectKey,
  type PartialObject,
  type SecretObject,
} from "@coffer/kube-runtime"
import { syncedResourceVersionOf } from "../../api/names.ts"
import type { ExternalSecret } from "../../api/resources.ts"
import { beatKeyOf, nextBeatMs } from "./refresh.ts"
import { dataHashOf } from "./target.ts"

type Written = { readonly object: ExternalSecret; readonly staleVersions: readonly (string | undefined)[] }
type Due = { readonly refreshTime: string | null | undefined; readonly dueMs: number }
type Verified = { readonly resourceVersion: string | undefined; readonly dataHash: string }

export class Memory {
  readonly #clock: Clock
  readonly #seenMs = new Map<string, number>()
  readonly #written = new Map<string, Written>()
  readonly #due = new Map<string, Due>()
  readonly #verified = new Map<string, Verified>()
  readonly #missingSinceMs = new Map<string, number>()
  readonly #awaitedBeatMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes when each state of each ExternalSecret was first seen. Subscribe before the informer runs. */
  watch(informer: Informer<ExternalSecret>): void {
    informer.subscribe((change) => {
      const key = keyText(keyOf(change.object))
      if (change.kind === "delete") {
        this.forget(key)
        return
      }
      const written = this.#written.get(key)
      if (written && !written.staleVersions.includes(change.object.metadata.resourceVersion))
        this.#written.delete(key)
      const isNew =
        change.kind === "add" ||
        syncedResourceVersionOf(change.previous.metadata) !== syncedResourceVersionOf(change.object.metadata)
      if (isNew) this.#seenMs.set(key, this.#clock.nowMs())
    })
  }

  /** Forgets the hashes of Secrets that are gone. */
  watchSecrets(informer: Informer<PartialObject>): void {
    informer.subscribe((change) => {
      if (change.kind === "delete") this.forgetSecret(keyOf(change.object))
    })
  }

  forget(key: string): void {
    this.#seenMs.delete(key)
    this.#written.delete(key)
    this.#due.delete(key)
    this.#missingSinceMs.delete(key)
  }

  /** This process refreshed the object (which shows it) at `refreshedMs`: plans when it does so again. */
  refreshed(object: ExternalSecret, intervalMs: number, refreshedMs: number): void {
    const beat = beatKeyOf(object, intervalMs)
    const isAwaited = (beatMs: number) => this.#awaitedBeatMs.get(beat) === beatMs
    const dueMs = nextBeatMs(object, intervalMs, { refreshedMs, isAwaited })
    this.#awaitedBeatMs.set(beat, dueMs)
    this.#dropPastBeats(refreshedMs)
    this.#due.set(keyText(keyOf(object)), { refreshTime: object.status?.refreshTime, dueMs })
  }

  // Stores come and go and intervals are edited: what nobody waits for any more is dropped now and then.
  #dropPastBeats(nowMs: number): void {
    if (this.#awaitedBeatMs.size <= 2 * this.#due.size + 100) return
    for (const [beat, beatMs] of this.#awaitedBeatMs) if (beatMs < nowMs) this.#awaitedBeatMs.delete(beat)
  }

  /** When the object's refresh falls due; `undefined` if its last one was somebody else's. */
  dueMs(object: ExternalSecret): number | undefined {
    const due = this.#due.get(keyText(keyOf(object)))
    return due?.refreshTime === object.status?.refreshTime ? due?.dueMs : undefined
  }

  /** An attempt failed: the next one must not be served from what this one saw. */
  failed(key: ObjectKey): void {
    this.#seenMs.set(keyText(key), this.#clock.nowMs())
  }

  /** A store of the object is missing: since when, as far as this process looked. */
  missesStore(key: ObjectKey): number {
    const text = keyText(key)
    const sinceMs = this.#missingSinceMs.get(text) ?? this.#clock.nowMs()
    this.#missingSinceMs.set(text, sinceMs)
    return sinceMs
  }

  /** Every store of the object is there. */
  hasStores(key: ObjectKey): void {
    this.#missingSinceMs.delete(keyText(key))
  }

  /** From when on data serves the object's present state. */
  seenMs(key: ObjectKey): number | undefined {
    return this.#seenMs.get(keyText(key))
  }

  /** The newest state of an object: our own last write as long as the cache shows a state from before it. */
  newest(cached: ExternalSecret): ExternalSecret {
    const written = this.#written.get(keyText(keyOf(cached)))
    return written?.staleVersions.includes(cached.metadata.resourceVersion) ? written.object : cached
  }

  /** `before` lists the states that the cache may still show. */
  wrote(object: ExternalSecret, before: readonly ExternalSecret[]): void {
    delete object.metadata.managedFields
    const staleVersions = before.map((one) => one.metadata.resourceVersion)
    this.#written.set(keyText(keyOf(object)), { object, staleVersions })
  }

  /** The hash of a Secret's data at a certain version, if it was read or written at that version. */
  verifiedHash(key: ObjectKey, resourceVersion: string | undefined): string | undefined {
    const verified = this.#verified.get(keyText(key))
    return verified?.resourceVersion === resourceVersion ? verified?.dataHash : undefined
  }

  verify(secret: SecretObject): string {
    const dataHash = dataHashOf(secret.data)
    this.#verified.set(keyText(keyOf(secret)), { resourceVersion: secret.metadata.resourceVersion, dataHash })
    return dataHash
  }

  forgetSecret(key: ObjectKey): void {
    this.#verified.delete(keyText(key))
  }
}
