import { describeDatabase } from "@coffer/testkit"
import { filters } from "./wire/filters.ts"
import { head } from "./wire/head.ts"
import { names } from "./wire/names.ts"
import { pages } from "./wire/pages.ts"
import { provisioning } from "./wire/provisioning.ts"
import { webForms } from "./wire/web-forms.ts"

/** What clients rely on beyond the gotchas of the contract, each by a request as a client sends it. */
export function describeWire(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the wire contract", (open) => {
    webForms(open)
    provisioning(open)
    head(open)
    pages(open)
    filters(open)
    names(open)
  })
}
