/**
 * Source addresses and the ranges they are compared with. An IPv4 address mapped into IPv6 is the IPv4 address.
 */
import ipaddr from "ipaddr.js"

/** A range as the contract shows it; a single address has the full prefix. */
export type AddressRange = {
  readonly type: "ipv4" | "ipv6"
  readonly ipAddress: string
  readonly prefix: number
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** Reads `10.0.0.0/8`, `10.1.2.3`, `fd00::/8` ...; `undefined` when it is none of these. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address, prefix, ...rest] = text.trim().split("/")
  if (address === undefined || rest.length > 0) return undefined
  const parsed = parseAddress(address)
  if (parsed === undefined) return undefined
  const bits = parsed.kind() === "ipv4" ? 32 : 128
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined
  const length = prefix === undefined ? bits : Number(prefix)
  if (length > bits) return undefined
  return { type: parsed.kind(), ipAddress: parsed.toString(), prefix: length }
}

/** True when `address` lies in one of the ranges; an address that cannot be read lies in none. */
export function isInRanges(address: string, ranges: readonly AddressRange[]): boolean {
  if (ranges.some((range) => range.prefix === 0 && range.type === "ipv4") && isPlainIpv4(address)) return true
  const parsed = parseAddress(address)
  if (parsed === undefined) return false
  return ranges.some((range) => {
    const network = parseAddress(range.ipAddress)
    if (network === undefined || network.kind() !== parsed.kind()) return false
    return parsed.match([network, range.prefix] as [ipaddr.IPv4, number])
  })
}

/** True for addresses that the whole internet reaches: not loopback, private, link-local, mapped, reserved ... */
export function isPublicAddress(address: string): boolean {
  return parseAddress(address)?.range() === "unicast"
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return parseAddress(address)?.range() === "loopback"
}

/**
 * The name under which failed logins of a source are counted: the IPv4 address, or the /64 network of an IPv6
 * address, because one host usually owns all of it.
 */
export function canonicalSource(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) return "unreadable"
  if (parsed.kind() === "ipv4") return parsed.toString()
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`)
  return `${network.toString()}/64`
}

function parseAddress(text: string): Address | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text
  if (!bare.includes(":") && !isPlainIpv4(bare)) return undefined
  if (!ipaddr.isValid(bare)) return undefined
  return ipaddr.process(bare)
}

/** Four decimal parts: `ipaddr` would also read `1` or `0x7f.1`. */
function isPlainIpv4(text: string): boolean {
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text)
}
