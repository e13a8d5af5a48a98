import { describeInvitations } from "./testing/describe-invitations.ts"

describeInvitations("sqlite")
