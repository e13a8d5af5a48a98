/**
 * Hostile requests over every route, made from the schemas that the API document is made from. Whatever is sent, by
 * whomever: no failure of ours, no answer without the contract's shape, no value or id for who may not know it, and not
 * a word of it in the log.
 */
import { inspect } from "node:util"
import { describeDatabase, type OpenTestStorage, trialSeed } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { longestTexts, mark, worstJson, worstTexts } from "./hostile/hostile-values.ts"
import { judge } from "./hostile/judge.ts"
import {
  type HostileRequest,
  plausibleRequest,
  requestsTo,
  type Target,
  targetOf,
  urlOf,
} from "./hostile/request.ts"
import { fieldsOf, listsOf, plausible, replaced } from "./hostile/schema-values.ts"
import { aWorld, type Caller, callers, type World } from "./hostile/world.ts"
import { TestApp } from "./test-app.ts"

/** Other requests in every run; a failure names the seed. Raise `runs` to look for more. */
const random = { seed: trialSeed(), runs: { sqlite: 4, postgres: 2 } }

export function describeHostileRequests(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "hostile requests", (open) => {
    it.for(callers)("GHSA-8w8f-r2xv-4q4j: of anything between plausible and absurd, as %s", {
      timeout: 600_000,
    }, async (caller) => {
      const trial = new Trial(open, caller)
      await trial.forEachRoute(async (target, world) => {
        const parameters = { seed: random.seed, numRuns: random.runs[kind] }
        for (const request of fc.sample(requestsTo(target, world.names), parameters)) {
          await trial.attempt(request)
        }
      })
      await trial.end()
    })

    // The work that a request can cause is the same on both.
    if (kind === "sqlite") {
      it("CVE-2025-6203: of the longest texts and lists that a body has room for", {
        timeout: 600_000,
      }, async () => {
        const trial = new Trial(open, "admin")
        await trial.forEachRoute(async (target, world) => {
          for (const request of longestRequests(target, world)) await trial.attempt(request)
        })
        await trial.end()
      })
      return
    }
    // What an engine trips over, PostgreSQL refuses and SQLite does not: once is enough.
    it("of the worst values in every field of every route", { timeout: 600_000 }, async () => {
      const trial = new Trial(open, "admin")
      await trial.forEachRoute(async (target, world) => {
        for (const request of worstRequests(target, world)) await trial.attempt(request)
      })
      await trial.end()
    })
  })
}

function* worstRequests(target: Target, { names }: World): Generator<HostileRequest> {
  const base = plausibleRequest(target, names)
  for (const name of target.params) {
    for (const text of worstTexts) yield { ...base, params: { ...base.params, [name]: text } }
  }
  for (const name of Object.keys(target.query?.properties ?? {})) {
    const others = base.query.filter(([other]) => other !== name)
    for (const text of [...worstTexts, "", "-1", "NaN"]) yield { ...base, query: [...others, [name, text]] }
  }
  if (target.body === undefined || base.payload === undefined) return
  const body: unknown = JSON.parse(base.payload)
  for (const path of fieldsOf(target.body)) {
    for (const value of worstJson) {
      yield { ...base, payload: JSON.stringify(replaced(body, path, value)) }
    }
  }
}

function* longestRequests(target: Target, { names }: World): Generator<HostileRequest> {
  const base = plausibleRequest(target, names)
  if (target.body === undefined || base.payload === undefined) return
  const body: unknown = JSON.parse(base.payload)
  const withBody = (longer: unknown) => ({ ...base, payload: JSON.stringify(longer) })
  for (const path of fieldsOf(target.body)) {
    for (const text of longestTexts) yield withBody(replaced(body, path, text))
  }
  for (const { path, items, most } of listsOf(target.body)) {
    const field = path.findLast((step) => typeof step === "string") ?? ""
    const item = plausible(items, field, names, true)
    const count = Math.min(most, Math.floor(1_000_000 / (JSON.stringify(item).length + 10)))
    yield withBody(
      replaced(
        body,
        path,
        Array.from({ length: count }, (_, n) => distinct(item, n)),
      ),
    )
  }
}

/** A copy of an item of a list that has other names than its neighbours. */
function distinct(item: unknown, n: number): unknown {
  if (typeof item === "string") return item.length < 20 ? `${item}-${n}` : item
  if (Array.isArray(item)) return item.map((one) => distinct(one, n))
  if (typeof item !== "object" || item === null) return item
  const entries = Object.entries(item)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, /key|name|slug/i.test(name) ? distinct(value, n) : value]),
  )
}

/** One caller against every route, with a world that is made anew whenever a request has damaged it. */
class Trial {
  readonly #open: OpenTestStorage
  readonly #caller: Caller
  readonly #problems = new Set<string>()
  #world: World | undefined

  constructor(open: OpenTestStorage, caller: Caller) {
    this.#open = open
    this.#caller = caller
  }

  async forEachRoute(visit: (target: Target, world: World) => Promise<void>): Promise<void> {
    const { app } = new TestApp(await this.#open())
    await app.http.ready()
    for (const route of app.catalogue) await visit(targetOf(route), await this.#intactWorld())
  }

  async attempt(request: HostileRequest): Promise<void> {
    if (this.#world === undefined) throw new Error("there is no world to try it on")
    const problems = await judge(this.#world, this.#caller, request)
    const { method } = request.target.route
    for (const problem of problems) {
      const sent = `${method} ${urlOf(request).slice(0, 300)} ${request.payload?.slice(0, 300) ?? ""}`
      this.#problems.add(`${method} ${request.target.route.url}\n  ${problem}\n  ${sent}`)
    }
  }

  async end(): Promise<void> {
    await this.#leaveWorld()
    expect([...this.#problems], `COFFER_TEST_SEED=${random.seed} sends the same again`).toEqual([])
  }

  /** The world of before, or another one when what the requests name is gone. */
  async #intactWorld(): Promise<World> {
    if (this.#world !== undefined && (await isIntact(this.#world))) return this.#world
    await this.#leaveWorld()
    this.#world = await aWorld(await this.#open())
    return this.#world
  }

  async #leaveWorld(): Promise<void> {
    this.#searchLog()
    await this.#world?.instance.test.app.http.close()
  }

  #searchLog(): void {
    if (this.#world === undefined) return
    const { entries } = this.#world.instance.test.storage.log
    const log = inspect(entries, { depth: null, maxStringLength: null, maxArrayLength: null })
    const secrets = [
      ...this.#world.canaries,
      ...this.#world.hidden,
      ...Object.values(this.#world.tokens),
      mark,
    ]
    for (const secret of secrets) {
      if (!log.includes(secret)) continue
      const at = log.indexOf(secret)
      this.#problems.add(
        `the log holds what was sent or stored: ${log.slice(Math.max(0, at - 400), at + 100)}`,
      )
    }
  }
}

async function isIntact({ instance, names, tokens }: World): Promise<boolean> {
  const urls = [
    `/v4/secrets/KEY?projectId=${names.of("projectId")}&environment=prod`,
    `/v1/folders/${names.of("folderId")}`,
    `/v2/secret-imports/${names.of("secretImportId")}`,
    `/v1/auth/universal-auth/identities/${names.of("identityId")}/client-secrets/${names.of("clientSecretId")}`,
    `/v2/identity-project-additional-privilege/${names.of("privilegeId")}`,
    `/v1/projects/${names.of("projectId")}/tags/${names.of("tagId")}`,
    `/v1/projects/${names.of("projectId")}/roles/${names.of("roleId")}`,
    `/coffer/v1/webhooks/${names.of("id")}/deliveries`,
  ]
  for (const url of urls) {
    if ((await instance.test.call("GET", url, { token: tokens.admin })).status !== 200) return false
  }
  const viewed = await instance.test.call("GET", urls[0] ?? "", { token: tokens.viewer })
  return viewed.status === 200
}
