/** Lets one task run at a time, in the order in which they came. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    // Each task tells its own caller how it ended; the next one only waits.
    this.#last = result.catch(() => undefined)
    return result
  }
}
