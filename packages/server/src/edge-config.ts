/** The settings of the HTTP edge: how each variable is read, and what the edge gets of them. */
import { z } from "zod"
import type { Clock } from "./clock.ts"
import {
  type CrossOrigin,
  defaultRates,
  FailedLoginLimit,
  type HttpOptions,
  type RateClass,
  RateLimits,
  type Rates,
} from "./http/index.ts"

export type EdgeConfig = {
  /** True when the site's address begins with https. */
  readonly isHttpsOnly: boolean
  readonly maxConnections: number
  readonly crossOrigin: CrossOrigin | undefined
  readonly logsRequests: boolean
  /** `undefined`: requests are not counted, failed logins excepted. */
  readonly rates: Rates | undefined
  /** Per source address and minute; there is no way to have none. */
  readonly maxFailedLogins: number
}

const defaultMaxConnections = 10_000
const defaultMaxFailedLogins = 120

/** A JSON array, as Infisical has it, or the same separated by commas. */
const list = z.string().transform((text, context): readonly string[] => {
  if (!text.startsWith("[")) return text.split(",").map((one) => one.trim())
  try {
    return z.array(z.string()).parse(JSON.parse(text))
  } catch {
    // Which character is wrong is for whoever looks at the variable.
    context.addIssue("must be a JSON array of texts, or the texts separated by commas")
    return []
  }
})

/** `*` is no origin: with it every page that a user of this server opens could call it. */
export const originList = list.refine(
  (origins) => origins.every(isOrigin),
  "must be a list of origins such as https://app.example.com: scheme, host and port, nothing else",
)

function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.parse(text)?.origin === text
}

export const headerList = list.refine(
  (names) => names.every((name) => /^[A-Za-z0-9-]+$/.test(name)),
  "must be a list of header names",
)

const classes = Object.keys(defaultRates) as readonly RateClass[]
const ratesFormat = `must be on, off, or numbers of requests per minute such as ${classes.map((name) => `${name}=${defaultRates[name]}`).join(",")}`

/** `off`, `on`, or `read=600,write=200`: classes that are not named have their default. */
export const rateList = z.string().transform((text, context): Rates | undefined => {
  if (text === "off" || text === "false") return undefined
  if (text === "on" || text === "true") return defaultRates
  const rates: Record<RateClass, number> = { ...defaultRates }
  for (const one of text.split(",")) {
    const [, name = "", count = ""] = /^\s*(\w+)\s*=\s*(\d{1,7})\s*$/.exec(one) ?? []
    const known = classes.find((rateClass) => rateClass === name)
    if (known === undefined || Number(count) < 1) {
      context.addIssue(ratesFormat)
      return undefined
    }
    rates[known] = Number(count)
  }
  return rates
})

type Options = {
  readonly siteUrl: string | undefined
  readonly maxConnections: number | undefined
  readonly corsOrigins: readonly string[] | undefined
  readonly corsHeaders: readonly string[] | undefined
  readonly logsRequests: boolean | undefined
  readonly rates: Rates | undefined
  readonly maxFailedLogins: number | undefined
}

export function edgeConfigOf(options: Options): EdgeConfig {
  const { corsOrigins: origins, corsHeaders: headers } = options
  return {
    isHttpsOnly: options.siteUrl?.startsWith("https://") ?? false,
    maxConnections: options.maxConnections ?? defaultMaxConnections,
    crossOrigin: origins === undefined ? undefined : { origins, headers },
    logsRequests: options.logsRequests ?? false,
    rates: options.rates,
    maxFailedLogins: options.maxFailedLogins ?? defaultMaxFailedLogins,
  }
}

type EdgeOptions = Pick<
  HttpOptions,
  "isHttpsOnly" | "maxConnections" | "crossOrigin" | "logsRequests" | "rateLimits" | "failedLogins"
>

/** What the HTTP application is made with; counters begin at nothing. */
export function httpOptionsOf(edge: Partial<EdgeConfig>, clock: Clock): EdgeOptions {
  const { crossOrigin, rates, maxFailedLogins = defaultMaxFailedLogins } = edge
  return {
    isHttpsOnly: edge.isHttpsOnly ?? false,
    logsRequests: edge.logsRequests ?? false,
    failedLogins: new FailedLoginLimit(clock, maxFailedLogins),
    ...(edge.maxConnections === undefined ? {} : { maxConnections: edge.maxConnections }),
    ...(crossOrigin === undefined ? {} : { crossOrigin }),
    ...(rates === undefined ? {} : { rateLimits: new RateLimits(clock, rates) }),
  }
}
