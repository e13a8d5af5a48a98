import { describeLoginsAtOnce } from "./testing/describe-logins-at-once.ts"

describeLoginsAtOnce("postgres")
