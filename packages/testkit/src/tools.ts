/**
 * The rule for tests that need a program which npm does not install: on a laptop its absence skips them,
 * loudly; on CI (`CI=true`) it fails them, so that nothing is ever green because it did not run.
 */
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { describe, it } from "vitest"

/** A program that tests need; `find` says where it is (undefined: absent), `hint` how to get it. */
export type Tool = {
  readonly name: string
  readonly hint: string
  find(): string | undefined
}

/** `describe` for tests that need tools; see the rule above. */
export function describeWithTools(tools: readonly Tool[], name: string, define: () => void): void {
  const missing = tools.filter((tool) => tool.find() === undefined)
  if (missing.length === 0) {
    describe(name, define)
    return
  }
  const complaint = missing.map((tool) => `${tool.name} is missing: ${tool.hint}`).join("; ")
  if (process.env["CI"] === "true") {
    describe(name, () => {
      it(`has its tools: ${missing.map((tool) => tool.name).join(", ")}`, () => {
        throw new Error(`${complaint} (with CI=true a missing tool is a failure)`)
      })
    })
    return
  }
  process.stderr.write(`\nSKIPPED "${name}": ${complaint}\n`)
  describe.skip(name, define)
}

/** A tool that is found by its name on the PATH: `programOnPath("age", "apt install age")`. */
export function programOnPath(name: string, hint: string): Tool {
  return { name, hint, find: () => findOnPath(name) }
}

/** The full path of a program on the PATH, or undefined. */
export function findOnPath(program: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "")
  return folders.map((folder) => join(folder, program)).find(isRunnable)
}

/** True for a file that may be run. */
export function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent or not runnable: the same to the caller
  }
}
