import { describeSdk } from "./testing/describe-sdk.ts"

describeSdk("sqlite")
