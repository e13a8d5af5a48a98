/** Random policies and resources for property tests: few names, so that rules and resources meet often. */
import fc from "fast-check"
import type { Resource } from "../conditions.ts"
import type { Rule } from "../domain.ts"

export const environments = ["dev", "prod"] as const
export const paths = ["/", "/a", "/a/b", "/c"] as const
const names = ["KEY", "DB_URL", "DB_*"] as const
export const tags = ["red", "blue"] as const
const pathGlobs = ["/**", "/a/**", "/*", "/a", "/{a,c}"] as const
const nameGlobs = ["*", "DB_*", "K?Y"] as const

function comparison(values: readonly string[], globs: readonly string[]) {
  const value = fc.constantFrom(...values)
  return fc.oneof(
    value,
    fc.record(
      {
        $eq: value,
        $ne: value,
        $in: fc.subarray([...values], { minLength: 1 }),
        $glob: fc.constantFrom(...globs),
      },
      { requiredKeys: [] },
    ),
  )
}

/** Rules over secrets and folders, whose conditions speak of these names. */
export function aRuleAbout(
  secretNames: readonly string[],
  globs: readonly string[] = nameGlobs,
): fc.Arbitrary<Rule> {
  const place = {
    environment: comparison(environments, ["*", "p*"]),
    secretPath: comparison(paths, pathGlobs),
  }
  const secretRule = fc.record(
    {
      subject: fc.constant("secrets"),
      action: fc.subarray(["read", "describeSecret", "readValue", "create", "edit", "delete"], {
        minLength: 1,
      }),
      inverted: fc.boolean(),
      conditions: fc.record(
        {
          ...place,
          secretName: comparison(secretNames, globs),
          secretTags: fc.record({ $in: fc.subarray([...tags], { minLength: 1 }) }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ["subject", "action"] },
  )
  const folderRule = fc.record(
    {
      subject: fc.constant("secret-folders"),
      action: fc.subarray(["read", "create", "edit", "delete"], { minLength: 1 }),
      inverted: fc.boolean(),
      conditions: fc.record(place, { requiredKeys: [] }),
    },
    { requiredKeys: ["subject", "action"] },
  )
  return fc.oneof(secretRule, folderRule) as unknown as fc.Arbitrary<Rule>
}

export const aRule = aRuleAbout(names)
export const aPolicy = fc.array(aRule, { maxLength: 6 })
export const aResource: fc.Arbitrary<Resource> = fc.record({
  environment: fc.constantFrom(...environments),
  secretPath: fc.constantFrom(...paths),
  secretName: fc.constantFrom(...names),
  secretTags: fc.subarray([...tags]),
})
