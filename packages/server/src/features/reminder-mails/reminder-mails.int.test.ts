import { describeReminderMails } from "./testing/describe-reminder-mails.ts"

describeReminderMails("postgres")
