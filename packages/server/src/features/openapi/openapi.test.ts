import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { TestApp } from "../../testing/test-app.ts"
import { groupOf, groups } from "./operation-groups.ts"

type Schema = {
  readonly type?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly examples?: readonly (string | number)[]
}

describeDatabase("sqlite", "the API document", (open) => {
  it("has every operation in one of the groups that it describes, and leaves none of them empty", async () => {
    const document = await documentOf(new TestApp(await open()))
    const described = document.tags.map(({ name }: { name: string }) => name)
    expect(described).toEqual(Object.keys(groups))
    const used = new Set(operationsOf(document).flatMap(({ tags }) => tags))
    expect([...used].sort()).toEqual([...described].sort())
  })

  it("shows only examples that the server would take", async () => {
    const document = await documentOf(new TestApp(await open()))
    const shown = schemasIn(document).filter(({ examples }) => examples !== undefined)
    expect(shown.length).toBeGreaterThan(100)
    expect(shown.filter((schema) => !isFitting(schema))).toEqual([])
    const create = document.paths["/api/v4/secrets/{secretName}"].post
    expect(create.parameters).toMatchObject([{ name: "secretName", example: "DATABASE_URL" }])
    expect(shown.map(({ examples = [] }) => examples[0])).toContain("postgres://app@db/billing")
  })
})

it.for([
  ["/api/v1/auth/token", "Logging in as a person"],
  ["/api/v1/auth/token/renew", "Machine identities"],
  ["/api/v1/projects/:projectId/groups/:groupId/users", "Groups"],
  ["/api/v1/secret-imports/secrets/raw", "Folders and imports"],
  ["/api/coffer/v1/projects/:projectId/audit-retention", "Audit"],
] as const)("%s is shown under '%s'", ([url, group]) => {
  expect(groupOf(url)).toBe(group)
})

it("a path of no group is a fault of the code", () => {
  expect(() => groupOf("/api/v1/unheard-of")).toThrow("/api/v1/unheard-of belongs to no group")
})

async function documentOf(test: TestApp) {
  return await test.ok("GET", "/docs/json")
}

function operationsOf(document: { paths: Record<string, Record<string, { tags: string[] }>> }) {
  return Object.values(document.paths).flatMap((operations) => Object.values(operations))
}

function schemasIn(node: unknown): readonly Schema[] {
  if (typeof node !== "object" || node === null) return []
  return [node as Schema, ...Object.values(node).flatMap(schemasIn)]
}

function isFitting({
  type,
  pattern,
  minLength = 0,
  maxLength = Infinity,
  minimum = -Infinity,
  examples,
}: Schema) {
  const [example] = examples ?? []
  if (typeof example === "number") return type === "integer" && example >= minimum
  if (example === undefined || type !== "string") return false
  const isLong = example.length >= minLength && example.length <= maxLength
  return isLong && (pattern === undefined || new RegExp(pattern, "u").test(example))
}
