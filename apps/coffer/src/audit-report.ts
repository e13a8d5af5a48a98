import type { AuditReport } from "@coffer/server"
import { counted } from "./counted.ts"
import { showControlCharacters } from "./output.ts"
import type { Terminal } from "./terminal.ts"

/** Shows what a verification found; what could not be compared is a remark. */
export function presentReport(terminal: Terminal, report: AuditReport): void {
  for (const finding of report.findings) {
    // Ids come from the database, and whoever changed it may have changed them.
    terminal.print(`${finding.kind}: ${showControlCharacters(finding.message)}`)
  }
  if (report.findingsLeftOut > 0) terminal.print(`... and ${report.findingsLeftOut} more`)
  for (const note of report.notes) terminal.note(`note: ${showControlCharacters(note)}`)
  const verdict = report.isIntact ? "intact" : "CHANGED"
  terminal.print(
    `${counted(report.eventsChecked, "event")} in ${counted(report.logs.length, "log")}: ${verdict}`,
  )
}
