/** Where requests may go: the scheme, and the address behind a name, judged when the connection is made. */
import { lookup as resolve } from "node:dns"
import { isIP, type LookupFunction } from "node:net"
import { isPublicAddress } from "../network-address.ts"
import { OutboundError } from "./outbound-error.ts"

export type Bounds = {
  /** Whether loopback, private, link-local and other addresses that are not public may be reached. */
  readonly allowPrivateAddresses: boolean
}

/**
 * Reads an address, and judges it as far as that needs no name resolution: {@link guardedLookup} judges the rest.
 *
 * @throws OutboundError "bad-url" or "private-address"
 */
export function judgeUrl(text: string, bounds: Bounds): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new OutboundError(
      "bad-url",
      "the address must be an http or https URL without user name and password",
    )
  }
  judgeHost(url.hostname.replace(/^\[|\]$/g, ""), bounds)
  return url
}

/**
 * The same for a host that stands alone: a name or an address.
 *
 * @throws OutboundError "private-address"
 */
export function judgeHost(host: string, bounds: Bounds): void {
  if (isIP(host) !== 0) requireReachable(host, host, bounds)
}

/** Resolves a name and lets no connection be made when any of its addresses is out of bounds. */
export function guardedLookup(host: string, bounds: Bounds): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "", 0)
      try {
        for (const { address } of addresses) requireReachable(address, host, bounds)
      } catch (refusal) {
        return callback(refusal as Error, "", 0)
      }
      const [first] = addresses
      if (options.all === true) return callback(null, addresses)
      callback(null, first?.address ?? "", first?.family ?? 0)
    })
  }
}

function requireReachable(address: string, host: string, bounds: Bounds): void {
  if (bounds.allowPrivateAddresses || isPublicAddress(address)) return
  throw new OutboundError(
    "private-address",
    `${host} is at an address that is not public; ALLOW_INTERNAL_IP_CONNECTIONS=true permits such addresses`,
  )
}
