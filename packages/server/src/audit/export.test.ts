import { describeExport } from "./testing/export-conformance.ts"

describeExport("sqlite")
