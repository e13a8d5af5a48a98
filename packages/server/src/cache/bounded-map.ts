/** A map that forgets what was used longest ago once it holds more than `limit` entries. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #limit: number
  #newest: K | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined && key !== this.#newest) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
      this.#newest = key
    }
    return value
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    this.#newest = key
    if (this.#entries.size > this.#limit) this.deleteOldest()
  }

  delete(key: K): void {
    this.#entries.delete(key)
    if (this.#newest === key) this.#newest = undefined
  }

  /** Forgets the entry used longest ago and returns it; `undefined` when the map is empty. */
  deleteOldest(): readonly [K, V] | undefined {
    const oldest = this.#entries.entries().next()
    if (oldest.done === true) return undefined
    this.delete(oldest.value[0])
    return oldest.value
  }
}
