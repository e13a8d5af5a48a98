/** A call to the store, as the error texts and the metrics name it. */

export type ApiCall = {
  /** Name of the call in metrics and error texts. */
  readonly name: string
  readonly method: "GET" | "POST"
  readonly url: string
  readonly token?: string
  readonly body?: object
  readonly ifNoneMatch?: string
  /** PEM certificates trusted in addition to the system's. */
  readonly ca?: string
}
