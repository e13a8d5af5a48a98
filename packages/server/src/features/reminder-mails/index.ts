/**
 * Mails that remind people of secrets whose value should change: to every person of the project who may know of the
 * secret, once per due date. They name secrets and never show a value or a note.
 */
export { mailDueReminders, type ReminderMailDeps } from "./service.ts"
