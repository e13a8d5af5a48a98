/**
 * The edge: limits, identity of requests, parsing into canonical input, error answers, validators. Features hand in
 * routes and how to authenticate; nothing here knows a feature, a table or a key.
 */

export { type CrossOrigin, createHttpApp, type HttpOptions, type Routes } from "./app.ts"
export { downloadEndpoint } from "./download-endpoint.ts"
export { AnswerWithCookie, endpoint, type HttpPorts, openEndpoint, TaggedAnswer } from "./endpoint.ts"
export { etagOf, matchesEtag } from "./etag.ts"
export { escapeHtml } from "./html.ts"
export { parseInput } from "./input.ts"
export { jsonOfMany } from "./json-of-many.ts"
export { limitedAuthentication } from "./limited.ts"
export { type PageAnswer, pageEndpoint } from "./page-endpoint.ts"
export { defaultRates, FailedLoginLimit, type RateClass, RateLimits, type Rates } from "./rate-limits.ts"
export {
  type CataloguedRoute,
  describeHandler,
  type RouteDescription,
} from "./route-description.ts"
export { type StreamAnswer, streamEndpoint } from "./stream-endpoint.ts"
export { isoTime } from "./timestamp.ts"
export { acceptUploads, uploadEndpoint } from "./upload-endpoint.ts"
