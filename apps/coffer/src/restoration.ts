/** How a restore, or its preview, is shown. */

import type { Restoration } from "@coffer/client"
import { counted } from "./counted.ts"
import { printTable } from "./output.ts"
import type { Terminal } from "./terminal.ts"

export function printRestoration(terminal: Terminal, restoration: Restoration): void {
  const rows = restoration.items.map((item) => [
    item.change,
    item.kind,
    `${item.place.environment}:${item.place.path}`,
    item.oldName === undefined ? item.name : `${item.oldName} -> ${item.name}`,
    [...(item.fields ?? []), ...(item.oldPlace === undefined ? [] : [`from ${item.oldPlace.path}`])].join(
      ", ",
    ),
  ])
  if (rows.length === 0) terminal.print("Nothing differs.")
  else printTable(terminal, ["CHANGE", "WHAT", "WHERE", "NAME", "FIELDS"], rows)
  if (restoration.numberOfHidden > 0) {
    const more = counted(restoration.numberOfHidden, "more change")
    terminal.note(`not shown: ${more} of secrets that you may not know of`)
  }
  for (const note of restoration.notes) terminal.note(`note: ${note}`)
  if (restoration.lostKeys.length > 0) {
    terminal.note(`note: no longer kept, so left as it is: ${restoration.lostKeys.join(", ")}`)
  }
  for (const conflict of restoration.conflicts) terminal.note(`in the way: ${conflict}`)
}
