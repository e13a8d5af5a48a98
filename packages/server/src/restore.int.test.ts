import { describeRestore } from "./testing/describe-restore.ts"

describeRestore("postgres")
