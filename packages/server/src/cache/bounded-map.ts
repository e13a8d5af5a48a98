type Entry<V> = { readonly value: V; isUsed: boolean }

/**
 * A map that forgets what was not used for long once it holds more than `limit` entries: the first in turn that nobody
 * asked for since its last turn (CLOCK). Unlike moving an entry to the end at each use, a hit changes nothing but a flag.
 */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, Entry<V>>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    entry.isUsed = true
    return entry.value
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, isUsed: false })
    if (this.#entries.size > this.#limit) this.deleteOldest()
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  /** Forgets the entry whose turn it is and returns it; `undefined` when the map is empty. */
  deleteOldest(): readonly [K, V] | undefined {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key)
      if (!entry.isUsed) return [key, entry.value]
      // Visited again at the end of this loop, by then without the flag.
      entry.isUsed = false
      this.#entries.set(key, entry)
    }
    return undefined
  }
}
