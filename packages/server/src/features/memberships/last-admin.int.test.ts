import { describeLastAdmins } from "./testing/describe-last-admins.ts"

describeLastAdmins("postgres")
