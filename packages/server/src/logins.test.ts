import { describeLogins } from "./testing/describe-logins.ts"
import { describeSessionCookies } from "./testing/describe-session-cookies.ts"

describeLogins("sqlite")
describeSessionCookies("sqlite")
