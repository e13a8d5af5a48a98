/** Random projects and random rights for the properties of {@link describeRights}. */
import { permissionRule } from "@coffer/contract"
import fc from "fast-check"
import type { Rule } from "../../features/authorization/domain.ts"
import { aRuleAbout, environments, paths, tags } from "../../features/authorization/testing/arbitraries.ts"
import type { Workbench } from "../workbench.ts"

const count = 12
const keyOf = (index: number) => `${["KEY", "DB_URL", "TOKEN"][index % 3]}_${String(index).padStart(2, "0")}`
const secretNames = Array.from({ length: count }, (_, index) => keyOf(index))

const aPlace = fc.record({ environment: fc.constantFrom(...environments), path: fc.constantFrom(...paths) })
type Place = { readonly environment: string; readonly path: string }

const aSecretPlan = fc.record({
  at: aPlace,
  tags: fc.subarray([...tags]),
  /** Which other secret its value refers to. */
  refersTo: fc.option(fc.nat(count - 1), { nil: undefined }),
  /** It had another value and another name before. */
  hasPast: fc.boolean(),
  isDeleted: fc.boolean(),
})

export const aPlan = fc.record({
  secrets: fc.array(aSecretPlan, { minLength: count, maxLength: count }),
  imports: fc.uniqueArray(fc.record({ to: aPlace, from: aPlace }), {
    maxLength: 6,
    selector: ({ to, from }) => JSON.stringify([to, from]),
  }),
})
export type Plan = typeof aPlan extends fc.Arbitrary<infer T> ? T : never

const readAll: Rule = { subject: "secrets", action: ["describeSecret", "readValue"] }
const someRules = fc
  .array(aRuleAbout(secretNames, ["*", "DB_*", "K?Y_*"]), { maxLength: 4 })
  .map((rules) => rules.filter((rule) => permissionRule.safeParse(rule).success))

export const someRights = fc.record({
  /** What most is bent from: everything, a part, only names, or nothing. */
  base: fc.constantFrom<readonly Rule[]>(
    [readAll],
    [{ ...readAll, conditions: { environment: "prod" } }],
    [{ ...readAll, conditions: { secretPath: { $glob: "/a/**" } } }],
    [{ subject: "secrets", action: "describeSecret" }],
    [],
  ),
  role: someRules,
  otherRole: someRules,
  privilege: someRules,
  isPrivilegeOver: fc.boolean(),
})
export type Rights = typeof someRights extends fc.Arbitrary<infer T> ? T : never

/** What the rules are that count now. */
export function rulesInForce(rights: Rights): readonly Rule[] {
  const { base, role, otherRole, privilege, isPrivilegeOver } = rights
  return [...base, ...role, ...otherRole, ...(isPrivilegeOver ? [] : privilege)]
}

/** A secret of the project; its texts occur nowhere else, so that any answer can be searched for them. */
export type WorldSecret = Place & {
  readonly id: string
  readonly key: string
  readonly oldKey: string | undefined
  readonly value: string
  readonly oldValue: string | undefined
  readonly tags: readonly string[]
  readonly refersTo: string | undefined
  readonly isDeleted: boolean
}

/** Two folders beside the others, for the event that says that all others were sent. */
export const markerPath = "/marker"
const markerSource = "/marker-source"

/** Carries a plan out in a new project. */
export async function build(bench: Workbench, plan: Plan): Promise<readonly WorldSecret[]> {
  for (const environment of environments) {
    for (const path of [...paths.filter((one) => one !== "/"), markerPath, markerSource]) {
      const slash = path.lastIndexOf("/")
      const body = { environment, name: path.slice(slash + 1), path: path.slice(0, slash) || "/" }
      await bench.ok("POST", "/v1/folders", body)
    }
  }
  const tagIds = new Map<string, string>()
  for (const slug of tags) {
    const { tag } = await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug, color: "" })
    tagIds.set(slug, tag.id)
  }
  for (const { to, from } of plan.imports) {
    if (to.environment === from.environment && to.path === from.path) continue
    const body = { environment: to.environment, path: to.path, import: from }
    await bench.ok("POST", "/v2/secret-imports", body)
  }
  const secrets: WorldSecret[] = []
  for (const [index, one] of plan.secrets.entries())
    secrets.push(await put(bench, plan, { index, one, tagIds }))
  return secrets
}

async function put(
  bench: Workbench,
  plan: Plan,
  of: {
    readonly index: number
    readonly one: Plan["secrets"][number]
    readonly tagIds: ReadonlyMap<string, string>
  },
): Promise<WorldSecret> {
  const { index, one, tagIds } = of
  const { environment, path } = one.at
  const place = { environment, secretPath: path }
  const key = keyOf(index)
  const target = one.refersTo === undefined || one.refersTo === index ? undefined : plan.secrets[one.refersTo]
  const reference =
    target === undefined
      ? ""
      : ` \${${[target.at.environment, ...target.at.path.split("/").filter(Boolean), keyOf(one.refersTo ?? 0)].join(".")}}`
  const value = `value(${index})end${reference}`
  const oldKey = one.hasPast ? `WAS_${String(index).padStart(2, "0")}` : undefined
  const oldValue = one.hasPast ? `old(${index})end` : undefined
  const body = {
    ...place,
    secretValue: oldValue ?? value,
    secretComment: `comment(${index})end`,
    tagIds: one.tags.map((slug) => tagIds.get(slug)),
  }
  const { secret } = await bench.ok("POST", `/v4/secrets/${oldKey ?? key}`, body)
  if (oldKey !== undefined) {
    const change = { ...place, newSecretName: key, secretValue: value }
    await bench.ok("PATCH", `/v4/secrets/${oldKey}`, change)
  }
  if (one.isDeleted) await bench.ok("DELETE", `/v4/secrets/${key}`, place)
  return {
    id: secret.id,
    ...one.at,
    key,
    oldKey,
    value: `value(${index})end`,
    oldValue,
    tags: one.tags,
    refersTo: target === undefined ? undefined : keyOf(one.refersTo ?? 0),
    isDeleted: one.isDeleted,
  }
}

/** Writes every living secret once more, and last an import, of which every subscriber hears. */
export async function touchAll(bench: Workbench, secrets: readonly WorldSecret[]): Promise<void> {
  const living = secrets.filter((secret) => !secret.isDeleted)
  for (const [at, there] of Map.groupBy(living, ({ environment, path }) => `${environment}${path}`)) {
    const [{ environment, path } = { environment: at, path: "/" }] = there
    const changes = there.map(({ key }) => ({
      secretKey: key,
      secretReminderNote: null,
      secretComment: "again",
    }))
    await bench.ok("PATCH", "/v4/secrets/batch", { environment, secretPath: path, secrets: changes })
  }
  const marker = { path: markerPath, import: { environment: "prod", path: markerSource } }
  const { secretImport } = await bench.ok("POST", "/v2/secret-imports", marker)
  await bench.ok("DELETE", `/v2/secret-imports/${secretImport.id}`, { path: markerPath })
}
