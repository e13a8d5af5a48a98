import { describeReferences } from "./testing/describe-references.ts"

describeReferences("sqlite")
