/**
 * How often people may try to prove who they are: counted in the database before an attempt is answered, so that neither
 * many at once nor many servers outrun the count. These counters are the exception to "a request that failed changed
 * nothing".
 */
export {
  type Attempt,
  clearAttempts,
  forgive,
  pruneAttempts,
  takeCodeAttempt,
  takePasswordAttempt,
} from "./service.ts"
