import { describeRoles } from "./testing/describe-roles.ts"

describeRoles("postgres")
