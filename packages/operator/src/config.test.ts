import { describe, expect, it } from "vitest"
import { ConfigError, parseOperatorFlags } from "./config.ts"

describe("flags", () => {
  it("have the defaults that existing deployments expect", () => {
    const { config, warnings } = parseOperatorFlags([])
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      controllerClass: "default",
      concurrency: 10,
      floodGate: true,
      storeRequeueIntervalMs: 300_000,
      liveAddress: ":8082",
      leaderElection: { enabled: false, id: "external-secrets-controller", leaseDurationMs: 15_000 },
    })
  })

  it("are read in every spelling", () => {
    const { config, warnings } = parseOperatorFlags([
      "--concurrent=3",
      "--enable-leader-election",
      "--namespace",
      "apps",
      "-enable-flood-gate=false",
      "--store-requeue-interval",
      "90s",
    ])
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      concurrency: 3,
      namespace: "apps",
      floodGate: false,
      storeRequeueIntervalMs: 90_000,
    })
    expect(config.leaderElection.enabled).toBe(true)
  })

  it("that are unknown are reported and ignored", () => {
    const { config, warnings } = parseOperatorFlags([
      "--enable-http2",
      "--vault-token-cache-size=3",
      "--loglevel",
      "debug",
      "--namespace=a",
      "stray",
    ])
    expect(config.namespace).toBe("a")
    expect(warnings).toEqual([
      "ignored flag --enable-http2: this operator does not have it",
      "ignored flag --vault-token-cache-size: this operator does not have it",
      "ignored flag --loglevel: this operator does not have it",
      'ignored argument "stray": it is not a flag',
    ])
  })

  it("that are wrong are reported together, with what is expected", () => {
    const attempt = () =>
      parseOperatorFlags(["--concurrent=many", "--store-requeue-interval=5", "--enable-flood-gate=perhaps"])
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(
      /--concurrent: expected a whole number.*\n?.*--store-requeue-interval: expected a duration/s,
    )
  })
})
