import { describePasskeys } from "./testing/describe-passkeys.ts"

describePasskeys("postgres")
