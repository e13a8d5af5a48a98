import { describeProjectArchive } from "./testing/describe-project-archive.ts"

describeProjectArchive("sqlite")
