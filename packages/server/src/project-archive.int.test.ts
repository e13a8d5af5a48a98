import { describeArchiveAcross, describeProjectArchive } from "./testing/describe-project-archive.ts"

describeProjectArchive("postgres")
describeArchiveAcross()
