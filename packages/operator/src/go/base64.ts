/** Base64 as Go's decoders read it: padding demanded, CR and LF ignored, trailing bits not checked. */

const STANDARD = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const URL_SAFE = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/

/** Decodes text of one alphabet; `undefined` when Go would report illegal data. */
export function decodeBase64(textBytes: Uint8Array, alphabet: "standard" | "url"): Uint8Array | undefined {
  const text = Buffer.from(textBytes)
    .toString("latin1")
    .replace(/[\r\n]/g, "")
  if (!(alphabet === "standard" ? STANDARD : URL_SAFE).test(text)) return undefined
  return new Uint8Array(Buffer.from(text, alphabet === "standard" ? "base64" : "base64url"))
}
