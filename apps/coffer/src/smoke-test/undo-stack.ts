/** What was made, newest first, so that it can be taken back whatever happens. */

export type UndoStep = { readonly what: string; readonly undo: () => Promise<void> }

export class UndoStack {
  readonly #steps: UndoStep[] = []

  /** Call right after the thing was made: what is not here is not taken back. */
  push(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo })
  }

  /** Takes everything back; a step that fails does not keep the others from running. Returns what is left behind. */
  async unwind(): Promise<readonly string[]> {
    const leftovers: string[] = []
    for (;;) {
      const step = this.#steps.pop()
      if (step === undefined) return leftovers
      try {
        await step.undo()
      } catch (error) {
        leftovers.push(`${step.what} (${error instanceof Error ? error.message : "unknown reason"})`)
      }
    }
  }
}
