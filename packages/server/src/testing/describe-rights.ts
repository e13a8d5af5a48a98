import { describeDatabase } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { compilePolicy, isAllowed } from "../features/authorization/domain.ts"
import { environments, paths } from "../features/authorization/testing/arbitraries.ts"
import { atAStand, type ClientStand } from "./client-stand.ts"
import { accepted, subscribeTo } from "./event-reader.ts"
import { Caller } from "./rights/surfaces.ts"
import {
  aPlan,
  build,
  markerPath,
  type Rights,
  rulesInForce,
  someRights,
  touchAll,
  type WorldSecret,
} from "./rights/world.ts"
import { aMachine, type Machine } from "./test-app.ts"
import type { Workbench } from "./workbench.ts"

const rightsPerWorld = 4
const allEvents = ["secret:create", "secret:update", "secret:delete", "secret:import-mutation"] as const

/**
 * Random projects, random roles and privileges: whatever one surface shows, a plain read grants; whatever a plain read
 * refuses, no surface shows. Through HTTP, on either database.
 */
export function describeRights(kind: "sqlite" | "postgres", worlds: number): void {
  describeDatabase(kind, "rights through HTTP", (open) => {
    it(
      `no list, search, export, history or event shows what get refuses`,
      () =>
        atAStand(open, async (stand) => {
          const property = fc.asyncProperty(
            aPlan,
            fc.array(someRights, { minLength: rightsPerWorld, maxLength: rightsPerWorld }),
            async (plan, allRights) => {
              const bench = await stand.bench.another("World")
              const secrets = await build(bench, plan)
              const reader = await aMachine(bench.instance)
              for (const rights of allRights) await holds({ stand, bench, secrets, reader }, rights)
            },
          )
          await fc.assert(property, { numRuns: worlds, endOnFailure: true })
        }),
      600_000,
    )
  })
}

type Scene = {
  readonly stand: ClientStand
  readonly bench: Workbench
  readonly secrets: readonly WorldSecret[]
  readonly reader: Machine
}

/** What one caller may, as plain reads say. */
type Verdict = {
  readonly readable: ReadonlySet<WorldSecret>
  readonly describable: ReadonlySet<WorldSecret>
  /** What the value of a readable secret refers to, where its value may be read: its name need not be (contract 3.4). */
  readonly quoted: ReadonlySet<WorldSecret>
}

async function holds(scene: Scene, rights: Rights): Promise<void> {
  const { bench, secrets, reader } = scene
  await grant(scene, rights)
  const caller = new Caller(bench.instance.test, bench.project, reader.token)
  const verdict = await judge(caller, secrets, rights)
  await expectLists(caller, secrets, verdict)
  await expectSearch(caller, secrets, verdict)
  for (const shown of await caller.everything(secrets)) {
    expect(shown.status, `${shown.what} fails`).toBeLessThan(500)
    expectNothingTooMuch(shown, secrets, verdict)
  }
  await expectEvents(scene, verdict, rights)
}

/** The rights replace those that the reader had. */
async function grant({ bench, reader }: Scene, rights: Rights): Promise<void> {
  const { project, instance } = bench
  const stamp = instance.test.storage.random.uuid().slice(0, 8)
  const listen = [
    "subscribe-to-creation-events",
    "subscribe-to-update-events",
    "subscribe-to-deletion-events",
    "subscribe-to-import-mutation-events",
  ]
  const roles = {
    [`a-${stamp}`]: [...rights.base, ...rights.role],
    [`b-${stamp}`]: [
      ...rights.otherRole,
      { subject: "secret-events", action: listen },
      { subject: "secret-rollback", action: ["read", "create"] },
      { subject: "secret-imports", action: "read" },
    ],
  }
  for (const [slug, permissions] of Object.entries(roles)) {
    await bench.ok("POST", `/v1/projects/${project}/roles`, { slug, name: slug, permissions })
  }
  const membership = `/v1/projects/${project}/memberships/identities/${reader.id}`
  await bench.call("DELETE", membership, {})
  await bench.ok("POST", membership, { roles: Object.keys(roles).map((role) => ({ role })) })
  if (rights.privilege.length === 0) return
  const from = new Date(instance.test.clock.now() - (rights.isPrivilegeOver ? 7_200_000 : 0)).toISOString()
  await bench.ok("POST", "/v2/identity-project-additional-privilege", {
    identityId: reader.id,
    permissions: rights.privilege,
    type: {
      isTemporary: true,
      temporaryMode: "relative",
      temporaryRange: "1h",
      temporaryAccessStartTime: from,
    },
  })
}

/** Plain reads decide; and they decide as the rules say: deny wins, and nothing comes from nothing. */
async function judge(caller: Caller, secrets: readonly WorldSecret[], rights: Rights): Promise<Verdict> {
  const policies = [compilePolicy(rulesInForce(rights))]
  const readable = new Set<WorldSecret>()
  const describable = new Set<WorldSecret>()
  const quotable = new Set<WorldSecret>()
  for (const secret of secrets) {
    const resource = {
      environment: secret.environment,
      secretPath: secret.path,
      secretName: secret.key,
      secretTags: [...secret.tags],
    }
    const mayDescribe = isAllowed(policies, "describeSecret", "secrets", resource)
    const mayQuote = isAllowed(policies, "readValue", "secrets", resource)
    const mayRead = mayDescribe && mayQuote
    if (mayQuote && !secret.isDeleted) quotable.add(secret)
    if (mayDescribe) describable.add(secret)
    if (mayRead) readable.add(secret)
    if (secret.isDeleted) continue
    const [full, bare, byId] = [
      await caller.get(secret, "&viewSecretValue=true"),
      await caller.get(secret, "&viewSecretValue=false"),
      await caller.byId(secret),
    ]
    const statuses = `${secret.key} at ${secret.environment}:${secret.path}`
    expect([full.status, bare.status, byId.status], statuses).toEqual([
      mayRead ? 200 : 403,
      mayDescribe ? 200 : 403,
      mayRead ? 200 : 403,
    ])
    if (mayRead) expect(full.text).toContain(secret.value)
  }
  return { readable, describable, quoted: quotedBy(readable, quotable) }
}

/** What readable values refer to, directly or by others, among what may be quoted. */
function quotedBy(
  readable: ReadonlySet<WorldSecret>,
  quotable: ReadonlySet<WorldSecret>,
): ReadonlySet<WorldSecret> {
  const quoted = new Set<WorldSecret>()
  let referrers: readonly WorldSecret[] = [...readable]
  while (referrers.length > 0) {
    const names = new Set(referrers.map((one) => one.refersTo))
    referrers = [...quotable].filter((one) => names.has(one.key) && !quoted.has(one))
    for (const one of referrers) quoted.add(one)
  }
  return quoted
}

/** Lists show exactly what plain reads grant: names where they may be known, values where they may be read. */
async function expectLists(caller: Caller, secrets: readonly WorldSecret[], verdict: Verdict): Promise<void> {
  const living = secrets.filter((secret) => !secret.isDeleted)
  for (const environment of environments) {
    for (const path of paths) {
      const there = living.filter((one) => one.environment === environment && one.path === path)
      for (const version of ["v3", "v4"] as const) {
        const plain = "&expandSecretReferences=false&includeImports=false&include_imports=false"
        const { status, body } = await caller.listed({ environment, path }, version, plain)
        const known = there.filter((secret) => verdict.describable.has(secret))
        const isUnreadable = known.some((secret) => !verdict.readable.has(secret))
        if (version === "v3" && isUnreadable) {
          expect(status).toBe(403) // ADR 0012
          continue
        }
        if (status === 403) {
          expect(known).toEqual([])
          continue
        }
        const shown = new Map<string, Listed>(body.secrets.map((one: Listed) => [one.secretKey, one]))
        expect([...shown.keys()].sort()).toEqual(known.map((secret) => secret.key).sort())
        for (const secret of known) {
          const { secretValue = "", secretValueHidden } = shown.get(secret.key) ?? {}
          expect(secretValueHidden, secret.key).toBe(!verdict.readable.has(secret))
          expect(secretValue.includes(secret.value), secret.key).toBe(verdict.readable.has(secret))
        }
      }
    }
  }
}

type Listed = {
  readonly secretKey: string
  readonly secretValue: string
  readonly secretValueHidden: boolean
}

/** A name is found by those who may know it, a value by those who may read it, and by nobody else. */
async function expectSearch(
  caller: Caller,
  secrets: readonly WorldSecret[],
  verdict: Verdict,
): Promise<void> {
  const living = secrets.filter((secret) => !secret.isDeleted)
  const found = async (body: object) => {
    const answer = await caller.search({ limit: 200, ...body })
    if (answer.status === 403) return []
    return answer.body.secrets.map((one: { id: string }) => one.id).sort()
  }
  const idsOf = (set: ReadonlySet<WorldSecret>) =>
    living
      .filter((secret) => set.has(secret))
      .map((secret) => secret.id)
      .sort()
  expect(await found({ key: { contains: "_" } })).toEqual(idsOf(verdict.describable))
  expect(await found({ value: { contains: "value(" } })).toEqual(idsOf(verdict.readable))
}

/** Surfaces that show what values refer to. */
const expanding = new Set(["v4 list, expanded", "get", "get by id", "reference tree"])

/** Whatever an answer says: no value that may not be read, no name that may not be known, now or in the past. */
function expectNothingTooMuch(
  shown: { readonly what: string; readonly text: string; readonly asked: readonly string[] },
  secrets: readonly WorldSecret[],
  verdict: Verdict,
): void {
  const named = new Set(shown.asked)
  const mayQuote = expanding.has(shown.what)
  // Who may read a value may know what it refers to: the reference is a part of the value.
  for (const secret of verdict.readable) if (secret.refersTo !== undefined) named.add(secret.refersTo)
  for (const secret of secrets) {
    const says = (text: string | undefined) => text !== undefined && shown.text.includes(text)
    const about = `${shown.what} shows ${secret.key} at ${secret.environment}:${secret.path}`
    if (!verdict.readable.has(secret)) {
      expect(says(secret.value) && !(mayQuote && verdict.quoted.has(secret)), `${about}: its value`).toBe(
        false,
      )
      expect(says(secret.oldValue), `${about}: an old value`).toBe(false)
    }
    if (verdict.describable.has(secret)) continue
    expect(says(secret.key) && !named.has(secret.key), `${about}: its name`).toBe(false)
    expect(says(secret.oldKey), `${about}: an old name`).toBe(false)
  }
}

/** The feed names what may be known, and nothing else. */
async function expectEvents(
  { stand, bench, secrets, reader }: Scene,
  verdict: Verdict,
  rights: Rights,
): Promise<void> {
  const opened = accepted(
    await subscribeTo({
      url: `${stand.origin}/api/v1/events/subscribe/project-events`,
      token: reader.token,
      body: { projectId: bench.project, register: allEvents.map((event) => ({ event })) },
    }),
  )
  try {
    await opened.until(() => opened.pings.length > 0, "the first event")
    await touchAll(bench, secrets)
    const isMarker = (one: {
      event: string
      data: { data: { payload: readonly { secretPath: string }[] } }
    }) => one.event === "secret:import-mutation" && one.data.data.payload[0]?.secretPath === markerPath
    await opened.until(() => opened.events.some(isMarker), "the last event")
    const heard = opened.events
      .filter((one) => one.event === "secret:update")
      .flatMap((one) => one.data.data.payload.map((item: { secretKey: string }) => item.secretKey))
    const known = secrets.filter((secret) => !secret.isDeleted && verdict.describable.has(secret))
    const names = known.map((secret) => secret.key).sort()
    // The feed does not know of tags: where a rule asks for them, it keeps silent rather than tell too much.
    const asksForTags = rulesInForce(rights).some((rule) => rule.conditions?.secretTags !== undefined)
    if (asksForTags) expect(names).toEqual(expect.arrayContaining(heard))
    else expect(heard.sort()).toEqual(names)
  } finally {
    opened.close()
  }
}
