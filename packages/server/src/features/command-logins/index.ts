/**
 * How a command gets a session by a browser, whatever proves there who the person is (single sign-on, a passkey).
 *
 *   the command opens a page of this server with a port of 127.0.0.1, a state and the hash of its verifier
 *   -> the browser proves who the person is -> sealCode: the page leads to the port, with a code, once the person follows
 *   -> the command brings code and verifier: readCode, and takeCode in the write that judges again and opens the session
 *
 * A code is of one method, and works for that alone. See docs/adr/0009.
 */
export { checkOf, codeLifetimeMs, commandUrl, type WaitingCommand } from "./domain.ts"
export { type CodeProblem, codeRefused, codeRefusedText, readCode, sealCode } from "./login-code.ts"
export { takeCode } from "./store.ts"
