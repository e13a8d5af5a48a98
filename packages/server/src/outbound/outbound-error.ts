/** What went wrong before an answer was complete. */
export type OutboundProblem =
  | "bad-url"
  | "private-address"
  | "unreachable"
  | "tls"
  | "timeout"
  | "too-large"
  | "redirect"

/** An outbound request that got no usable answer. The message names the host at most, never path, headers or body. */
export class OutboundError extends Error {
  override readonly name = "OutboundError"
  readonly problem: OutboundProblem

  constructor(problem: OutboundProblem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}
