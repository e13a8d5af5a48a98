import { describeLoginBoundary } from "./testing/describe-login-boundary.ts"

describeLoginBoundary("sqlite")
