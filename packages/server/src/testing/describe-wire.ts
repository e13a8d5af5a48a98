import { describeDatabase } from "@coffer/testkit"
import { head } from "./wire/head.ts"
import { provisioning } from "./wire/provisioning.ts"
import { webForms } from "./wire/web-forms.ts"

/** What clients rely on beyond the gotchas of the contract, each by a request as a client sends it. */
export function describeWire(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the wire contract", (open) => {
    webForms(open)
    provisioning(open)
    head(open)
  })
}
