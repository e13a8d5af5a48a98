/** The address of a server, however the user wrote it. */

/**
 * The address without `/api` and without a trailing slash; paths of the contract are appended to it.
 * A path in front of `/api` is kept, so a server behind a prefix works.
 *
 * @throws TypeError when the text is no http or https address
 */
export function normalizeBaseUrl(text: string): string {
  const url = parseHttpUrl(text.trim())
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("the server address must not carry credentials; use a token instead")
  }
  const path = url.pathname.replace(/\/+$/, "").replace(/\/api$/, "")
  return `${url.origin}${path.replace(/\/+$/, "")}`
}

function parseHttpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`the server address must look like http://host:8080 or https://host, got "${text}"`)
  }
  return url
}
