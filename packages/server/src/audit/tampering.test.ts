import { describeDatabase } from "@coffer/testkit"
import {
  anyTamperingConformance,
  checkpointConformance,
  rowTamperingConformance,
} from "./testing/tampering-conformance.ts"

describeDatabase("sqlite", "an audit log that was tampered with", (open) => {
  rowTamperingConformance(open)
  checkpointConformance(open)
  anyTamperingConformance(open)
})
