import { describePrivileges } from "./testing/describe-privileges.ts"

describePrivileges("sqlite")
