import { describeExternalAuth } from "./testing/describe-external-auth.ts"

describeExternalAuth("postgres")
