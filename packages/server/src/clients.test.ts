import { describeClients } from "./testing/describe-clients.ts"

describeClients("sqlite")
