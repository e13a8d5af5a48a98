/**
 * Mails to people, sent at least once: whoever wants to tell somebody something writes it into the outbox in its own
 * transaction, and one server at a time sends what waits there.
 *
 *   Outbox.add in the write of a use case -> MailWorker, under a lease -> smtp.ts -> what became of it is written down
 *
 * A mail server that is down or refuses us delays all mails and loses none; a mail that it refuses for good is given up
 * at once, any other after five days. A mail that was sent twice after a crash has the same Message-ID both times.
 * Mails carry names and links, never the value of a secret.
 */
export { oneLine } from "./domain.ts"
export { type NewMail, Outbox } from "./outbox.ts"
export { MailWorker } from "./worker.ts"
