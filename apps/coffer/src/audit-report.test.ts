import { PassThrough } from "node:stream"
import { expect, it } from "vitest"
import { presentReport } from "./audit-report.ts"
import { createTerminal } from "./terminal.ts"

it("a report tells what was found, what could not be compared, and what was left out", () => {
  const [stdout, stderr] = [new PassThrough({ encoding: "utf8" }), new PassThrough({ encoding: "utf8" })]
  const stdin = new PassThrough() as unknown as NodeJS.ReadStream
  const terminal = createTerminal({ stdin, stdout, stderr }, new AbortController().signal)
  presentReport(terminal, {
    isIntact: false,
    logs: [{ logId: "a", size: 9, pruned: 0 }],
    eventsChecked: 9,
    findings: [
      { kind: "event-edited", logId: "a", seq: 1, message: "log a: event 1 (\u001b[2J) was edited" },
    ],
    notes: ["log a: the checkpoint proves nothing here"],
    findingsLeftOut: 3,
  })
  expect(stdout.read()).toBe(
    "event-edited: log a: event 1 (\\x1b[2J) was edited\n... and 3 more\n9 events in 1 log: CHANGED\n",
  )
  expect(stderr.read()).toBe("note: log a: the checkpoint proves nothing here\n")
})
