import { PassThrough } from "node:stream"
import { expect, it } from "vitest"
import { readConfig } from "../config.ts"
import { exitCodes } from "../exit-codes.ts"
import { runCommandLine } from "../program.ts"
import { createTerminal } from "../terminal.ts"

/** `coffer bootstrap` with a person at the terminal, who types these lines one by one. */
async function bootstrapAtTerminal(
  isSetUp: boolean,
  lines: readonly string[],
  flags: readonly string[] = [],
) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.ReadStream &
    PassThrough
  const calls: string[] = []
  let shown = ""
  const stderr = new PassThrough({ encoding: "utf8" }).on("data", (text: string) => {
    shown += text
  })
  const { signal } = new AbortController()
  const running = runCommandLine(
    ["bootstrap", "--email", "me@example.test", "--organization", "Acme", ...flags],
    {
      config: readConfig({ HOME: "/nowhere" }),
      terminal: createTerminal({ stdin, stdout: new PassThrough(), stderr }, signal),
      fetch: async (url, options) => {
        calls.push(`${options?.method} ${new URL(String(url)).pathname}`)
        return Response.json({ config: { initialized: isSetUp, allowSignUp: false } })
      },
      clock: () => 0,
      random: () => 0,
      randomBytes: (size) => new Uint8Array(size),
      openBrowser: () => false,
      newId: () => "id",
      signal,
    },
  )
  for (const line of lines) {
    await new Promise((resolve) => stdin.once("resume", resolve))
    stdin.write(`${line}\n`)
  }
  const exitCode = await running
  await new Promise(setImmediate)
  return { exitCode, calls, shown }
}

const question = "GET /api/v1/admin/config"

it("at a server that is set up already, nobody is asked for a password, and the way in is named", async () => {
  const { exitCode, calls, shown } = await bootstrapAtTerminal(true, [])
  expect({ exitCode, calls }).toEqual({ exitCode: exitCodes.conflict.code, calls: [question] })
  expect(shown).toBe("error: http://127.0.0.1:8080 has already been set up; log in with 'coffer login'\n")
  const again = await bootstrapAtTerminal(true, [], ["--ignore-if-bootstrapped"])
  expect(again).toMatchObject({ exitCode: 0, calls: [question] })
})

it("a first password of fewer than 10 characters is refused where it is typed, and nothing is set up", async () => {
  const { exitCode, calls, shown } = await bootstrapAtTerminal(false, ["short-one", "short-one"])
  expect({ exitCode, calls }).toEqual({ exitCode: exitCodes.invalid.code, calls: [question] })
  expect(shown).toContain("error: --password: must have at least 10 characters\n")
})
