import { describeRecordedClients } from "./testing/describe-recorded-clients.ts"

describeRecordedClients("sqlite")
