/** The configuration as it counts, for whoever wonders where a value comes from. */
import { readConfig } from "./config.ts"
import { type Environment, findSetting } from "./read-settings.ts"
import { type Setting, type SettingGroup, settings } from "./settings.ts"

export type ReportedSetting = {
  readonly group: SettingGroup
  readonly name: string
  /** As it was written; `[secret]` for what is shown to nobody, `null` for what is not set and has no default. */
  readonly value: string | null
  /** The variable that was read; `null` for a default. */
  readonly source: string | null
}

/**
 * Every setting with its value and its source.
 *
 * @throws ConfigError as {@link readConfig}: what would not start is not shown as if it did
 */
export function reportConfig(environment: Environment): readonly ReportedSetting[] {
  readConfig(environment)
  return Object.values(settings).map((setting: Setting) => {
    const { group, names, fallback = null } = setting
    const found = findSetting(environment, names, [])
    if (found === undefined) return { group, name: names[0], value: fallback, source: null }
    const value = setting.isSecret === true ? "[secret]" : found.text
    return { group, name: names[0], value, source: found.name }
  })
}
