import { describe, expect, it } from "vitest"
import { judgeRefresh, mayMakeTokens, type Session, tokenEnd } from "./domain.ts"

const minuteMs = 60_000

function aSession(of: Partial<Session> = {}): Session {
  return {
    id: "s1",
    userId: "u1",
    authMethod: "password",
    secondFactor: null,
    refreshVersion: 3,
    refreshedAt: 100_000,
    ipAddress: "192.0.2.1",
    userAgent: "",
    createdAt: 0,
    expiresAt: 10_000_000,
    revokedAt: null,
    ...of,
  }
}

describe("a refresh token", () => {
  it.for([
    { what: "the newest", of: {}, version: 3, now: 9_999_999, kind: "rotate" },
    { what: "the newest, at the end of the session", of: {}, version: 3, now: 10_000_000, kind: "over" },
    {
      what: "the newest of a session that was ended",
      of: { revokedAt: 1 },
      version: 3,
      now: 2,
      kind: "over",
    },
    { what: "the one before, in its ten seconds", of: {}, version: 2, now: 109_999, kind: "repeat" },
    { what: "the one before, later", of: {}, version: 2, now: 110_000, kind: "reused" },
    { what: "an older one, however soon", of: {}, version: 1, now: 100_000, kind: "reused" },
    { what: "one that was never made", of: {}, version: 4, now: 100_000, kind: "reused" },
    {
      what: "the one before, once all is over",
      of: { revokedAt: 1 },
      version: 2,
      now: 109_999,
      kind: "over",
    },
  ])("$what: $kind", ({ of, version, now, kind }) => {
    expect(judgeRefresh(aSession(of), version, now)).toEqual({ kind })
  })
})

describe("making tokens of a session with an access token of it", () => {
  it.for([
    { what: "while the login is under way", shown: undefined, now: 15 * minuteMs - 1, isAllowed: true },
    { what: "later, without its cookie", shown: undefined, now: 15 * minuteMs, isAllowed: false },
    { what: "later, with its newest cookie", shown: 3, now: 15 * minuteMs, isAllowed: true },
    { what: "later, with an older cookie", shown: 2, now: 15 * minuteMs, isAllowed: false },
  ])("$what: $isAllowed", ({ shown, now, isAllowed }) => {
    expect(mayMakeTokens(aSession(), shown, now)).toBe(isAllowed)
  })
})

describe("the end of an access token", () => {
  const lifetimes = { sessionSeconds: 10_000, commandLineTokenSeconds: 7_200 }
  it.for([
    { what: "of a browser is after an hour", lifetimes, now: 0, isForCommandLine: false, end: 3_600_000 },
    { what: "of a command line is as configured", lifetimes, now: 0, isForCommandLine: true, end: 7_200_000 },
    {
      what: "of a browser is as configured where that is shorter",
      lifetimes: { ...lifetimes, commandLineTokenSeconds: 60 },
      now: 1_000,
      isForCommandLine: false,
      end: 61_000,
    },
    { what: "is that of its session", lifetimes, now: 9_000_000, isForCommandLine: true, end: 10_000_000 },
  ])("$what", ({ lifetimes: of, now, isForCommandLine, end }) => {
    expect(tokenEnd(aSession(), of, { now, isForCommandLine })).toBe(end)
  })
})
