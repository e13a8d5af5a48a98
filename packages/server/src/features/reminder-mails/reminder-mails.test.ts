import { describeReminderMails } from "./testing/describe-reminder-mails.ts"

describeReminderMails("sqlite")
