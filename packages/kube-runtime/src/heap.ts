/** A binary heap: the smallest element by `before` comes out first. */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean
  #elements: T[] = []

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#elements.length
  }

  peek(): T | undefined {
    return this.#elements[0]
  }

  push(element: T): void {
    this.#elements.push(element)
    this.#siftUp(this.#elements.length - 1)
  }

  pop(): T | undefined {
    const first = this.#elements[0]
    const last = this.#elements.pop()
    if (this.#elements.length > 0 && last !== undefined) {
      this.#elements[0] = last
      this.#siftDown(0)
    }
    return first
  }

  /** Drops every element for which the predicate is false. */
  keepOnly(predicate: (element: T) => boolean): void {
    const kept = this.#elements.filter(predicate)
    this.#elements = []
    for (const element of kept) this.push(element)
  }

  #siftUp(start: number): void {
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#swapIfBefore(index, parent)) return
      index = parent
    }
  }

  #siftDown(start: number): void {
    let index = start
    for (;;) {
      const smaller = this.#smallerChild(index)
      if (smaller === undefined || !this.#swapIfBefore(smaller, index)) return
      index = smaller
    }
  }

  #smallerChild(index: number): number | undefined {
    const left = this.#elements[2 * index + 1]
    const right = this.#elements[2 * index + 2]
    if (left === undefined) return undefined
    return right !== undefined && this.#before(right, left) ? 2 * index + 2 : 2 * index + 1
  }

  /** Swaps the two if the element at `lower` belongs above the one at `upper`. */
  #swapIfBefore(lower: number, upper: number): boolean {
    const a = this.#elements[lower]
    const b = this.#elements[upper]
    if (a === undefined || b === undefined || !this.#before(a, b)) return false
    this.#elements[lower] = b
    this.#elements[upper] = a
    return true
  }
}
