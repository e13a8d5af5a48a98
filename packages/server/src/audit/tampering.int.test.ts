import { describeDatabase } from "@coffer/testkit"
import { checkpointConformance, rowTamperingConformance } from "./testing/tampering-conformance.ts"

describeDatabase("postgres", "an audit log that was tampered with", (open) => {
  rowTamperingConformance(open)
  checkpointConformance(open)
})
