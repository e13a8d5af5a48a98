import { type KubeObject, keyOf, keyText, type ObjectKey } from "./resource.ts"

export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>

/** Objects by key, by namespace and by declared indexes, all kept in step. */
export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>()
  readonly #indexers: readonly (readonly [string, (object: T) => readonly string[]])[]
  /** index name -> value -> keys */
  readonly #indexes = new Map<string, Map<string, Set<string>>>()

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = Object.entries(indexers)
    for (const [name] of this.#indexers) this.#indexes.set(name, new Map())
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key))
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys()
  }

  values(): IterableIterator<T> {
    return this.#objects.values()
  }

  /** All objects, or those of one namespace. */
  list(namespace?: string): T[] {
    const all = [...this.#objects.values()]
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace)
  }

  byIndex(index: string, value: string): T[] {
    const values = this.#indexes.get(index)
    if (!values) throw new TypeError(`there is no index "${index}"`)
    const found: T[] = []
    for (const key of values.get(value) ?? []) {
      const object = this.#objects.get(key)
      if (object) found.push(object)
    }
    return found
  }

  /** Returns what was there before. */
  put(object: T): T | undefined {
    const key = keyText(keyOf(object))
    const previous = this.#objects.get(key)
    if (previous) this.#unindex(key, previous)
    this.#objects.set(key, object)
    for (const [name, valuesOf] of this.#indexers) {
      const index = this.#indexes.get(name)
      for (const value of valuesOf(object)) {
        const keys = index?.get(value)
        if (keys) keys.add(key)
        else index?.set(value, new Set([key]))
      }
    }
    return previous
  }

  /** Returns what was removed. `key` is the text of `keyText`. */
  remove(key: string): T | undefined {
    const previous = this.#objects.get(key)
    if (!previous) return undefined
    this.#unindex(key, previous)
    this.#objects.delete(key)
    return previous
  }

  #unindex(key: string, object: T): void {
    for (const [name, valuesOf] of this.#indexers) {
      const index = this.#indexes.get(name)
      for (const value of valuesOf(object)) {
        const keys = index?.get(value)
        keys?.delete(key)
        if (keys?.size === 0) index?.delete(value)
      }
    }
  }
}
