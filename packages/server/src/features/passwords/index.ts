/** Passwords of people: argon2id, a bounded number at once, the same work whether or not there is such a user. */
export { Passwords } from "./passwords.ts"
