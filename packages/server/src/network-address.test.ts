import { describe, expect, it } from "vitest"
import { canonicalSource, isInRanges, isLoopback, parseAddressRange } from "./network-address.ts"

const range = (text: string) => {
  const parsed = parseAddressRange(text)
  if (parsed === undefined) throw new Error(`no range: ${text}`)
  return parsed
}

describe("address ranges", () => {
  it.for([
    { text: "10.0.0.0/8", range: { type: "ipv4", ipAddress: "10.0.0.0", prefix: 8 } },
    { text: "192.0.2.7", range: { type: "ipv4", ipAddress: "192.0.2.7", prefix: 32 } },
    { text: "::/0", range: { type: "ipv6", ipAddress: "::", prefix: 0 } },
    { text: "FD00::1", range: { type: "ipv6", ipAddress: "fd00::1", prefix: 128 } },
    { text: " 192.0.2.0/32 ", range: { type: "ipv4", ipAddress: "192.0.2.0", prefix: 32 } },
    { text: "fd00::/128", range: { type: "ipv6", ipAddress: "fd00::", prefix: 128 } },
    { text: "::ffff:10.0.0.0/8", range: { type: "ipv4", ipAddress: "10.0.0.0", prefix: 8 } },
  ])("$text is read", ({ text, range: expected }) => {
    expect(parseAddressRange(text)).toEqual(expected)
  })

  it.for([
    "",
    "10",
    "0x7f.1",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10.0.0.256",
    "host",
    "010.0.0.1",
  ])("%s is no range", (text) => {
    expect(parseAddressRange(text)).toBeUndefined()
  })

  it.for([
    { address: "10.1.2.3", ranges: ["10.0.0.0/8"], isIn: true },
    { address: "11.1.2.3", ranges: ["10.0.0.0/8"], isIn: false },
    { address: "::ffff:10.1.2.3", ranges: ["10.0.0.0/8"], isIn: true },
    { address: "10.1.2.3", ranges: ["::/0"], isIn: false },
    { address: "2001:db8::1", ranges: ["0.0.0.0/0"], isIn: false },
    { address: "2001:db8::1", ranges: ["0.0.0.0/0", "::/0"], isIn: true },
    { address: "", ranges: ["0.0.0.0/0", "::/0"], isIn: false },
    { address: "10.1.2.3", ranges: [], isIn: false },
    { address: "10.1.2.3", ranges: ["0.0.0.0/0"], isIn: true },
    { address: "::ffff:10.1.2.3", ranges: ["0.0.0.0/0"], isIn: true },
    { address: "10.1.2.3", ranges: ["192.0.2.1", "10.1.2.3"], isIn: true },
    { address: "10.1.2.4", ranges: ["10.1.2.3"], isIn: false },
    { address: "0x0a.1.2.3", ranges: ["10.0.0.0/8"], isIn: false },
    { address: "10.1.2.999", ranges: ["0.0.0.0/0"], isIn: false },
    { address: "1", ranges: ["0.0.0.0/0"], isIn: false },
    { address: "[10.1.2.3]", ranges: ["10.0.0.0/8"], isIn: true },
    { address: "[10.1.2.34", ranges: ["10.0.0.0/8"], isIn: false },
    { address: "110.1.2.3]", ranges: ["10.0.0.0/8"], isIn: false },
    { address: "not:an:address", ranges: ["0.0.0.0/0", "::/0"], isIn: false },
  ])("$address in $ranges: $isIn", ({ address, ranges, isIn }) => {
    expect(isInRanges(address, ranges.map(range))).toBe(isIn)
  })

  it("loopback is loopback in every spelling, and nothing else is", () => {
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"]) {
      expect(isLoopback(address)).toBe(true)
    }
    for (const address of [
      "localhost",
      "10.0.0.1",
      "0.0.0.0",
      "::",
      "",
      "127.0.0.1.evil.test",
      "2130706433",
    ]) {
      expect(isLoopback(address)).toBe(false)
    }
  })

  it("a source is one name, whatever its spelling", () => {
    expect(canonicalSource("::ffff:192.0.2.1")).toBe(canonicalSource("192.0.2.1"))
    expect(canonicalSource("2001:DB8:0:1::5")).toBe("2001:db8:0:1::/64")
    expect(canonicalSource("2001:db8:0:1:ffff:ffff:ffff:ffff")).toBe("2001:db8:0:1::/64")
    expect(canonicalSource("2001:db8:0:2::5")).not.toBe("2001:db8:0:1::/64")
    expect(["", "unix", "1.2.3"].map(canonicalSource)).toEqual(["unreadable", "unreadable", "unreadable"])
  })
})
