import { describeWebhooks } from "./testing/describe-webhooks.ts"

describeWebhooks("sqlite")
