/**
 * Requests that the server sends to addresses which somebody configured: webhooks, token reviews, key sets, streams.
 * Every one of them goes through here, so that none reaches a place it must not, hangs, or fills the memory.
 */
export { judgeHost, judgeUrl } from "./destination.ts"
export { OutboundError } from "./outbound-error.ts"
export { sendDatagrams, sendOverConnection } from "./send-bytes.ts"
export { type OutboundRequest, sendOutbound } from "./send-outbound.ts"
