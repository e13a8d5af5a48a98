/** What is wrong with the settings: one sentence each, which begins with the name of the variable. */

/**
 * Whether a problem of one of these variables is listed already. A setting that is there and wrong has no value, and is
 * not missing besides.
 */
export function isNamedIn(problems: readonly string[], ...names: readonly string[]): boolean {
  return names.some((name) =>
    problems.some((problem) => problem.startsWith(`${name} `) || problem.startsWith(`${name}_FILE `)),
  )
}
