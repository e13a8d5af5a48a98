import { describeAccounts } from "./testing/describe-accounts.ts"

describeAccounts("postgres")
