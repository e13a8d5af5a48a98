import { describeMail } from "./testing/describe-mail.ts"

describeMail("sqlite")
