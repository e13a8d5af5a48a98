/**
 * Checks the import rules on the whole repository, then proves that every rule bites: each folder under
 * `fixtures/` is named after a rule and holds a small tree that breaks exactly that rule.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { cruise, type ICruiseOptions, type ICruiseResult } from "dependency-cruiser"

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, "..", "..")
type Rule = { readonly name: string }
const rules = createRequire(import.meta.url)("./rules.cjs") as readonly Rule[]

async function violationsOf(baseDir: string, folders: readonly string[]): Promise<ICruiseResult> {
  const options: ICruiseOptions = {
    baseDir,
    validate: true,
    ruleSet: { forbidden: [...rules] as never },
    exclude: { path: "(^|/)fixtures/" },
    doNotFollow: { path: "node_modules|(^|/)dist/" },
    tsPreCompilationDeps: "specify",
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".mjs", ".js", ".cjs", ".json"],
    },
  }
  const result = await cruise([...folders], options)
  if (typeof result.output === "string")
    throw new Error("dependency-cruiser returned text instead of a result")
  return result.output
}

async function checkRepository(): Promise<boolean> {
  const result = await violationsOf(root, ["packages", "apps", "e2e", "bench"])
  const { error, totalCruised, totalDependenciesCruised } = result.summary
  for (const violation of result.summary.violations) {
    process.stdout.write(`${violation.rule.name}: ${violation.from} -> ${violation.to}\n`)
  }
  process.stdout.write(`${totalCruised} modules, ${totalDependenciesCruised} imports, ${error} violations\n`)
  const examinesSomething = totalCruised > 50 && (totalDependenciesCruised ?? 0) > 100
  if (!examinesSomething) process.stdout.write("too few modules were read: the check examines nothing\n")
  return error === 0 && examinesSomething
}

/** Copies a fixture out and links its packages as npm does, so that imports by package name resolve as in the repository. */
function layOut(rule: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "coffer-boundaries-")))
  cpSync(join(here, "fixtures", rule), folder, { recursive: true })
  const scope = join(folder, "node_modules", "@coffer")
  mkdirSync(scope, { recursive: true })
  symlinkSync(join(root, "node_modules", "undici"), join(folder, "node_modules", "undici"))
  const packages = join(folder, "packages")
  for (const name of existsSync(packages) ? readdirSync(packages) : []) {
    symlinkSync(join(packages, name), join(scope, name))
  }
  return folder
}

async function checkFixture(rule: string): Promise<boolean> {
  const folder = layOut(rule)
  try {
    const result = await violationsOf(
      folder,
      readdirSync(folder).filter((name) => name !== "node_modules"),
    )
    return result.summary.violations.some((violation) => violation.rule.name === rule)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function checkFixtures(): Promise<boolean> {
  const folders = new Set(readdirSync(join(here, "fixtures")))
  let ok = true
  for (const { name } of rules) {
    if (!folders.delete(name)) {
      process.stdout.write(`rule ${name} has no fixture that must fail\n`)
      ok = false
      continue
    }
    if (!(await checkFixture(name))) {
      process.stdout.write(`rule ${name} does not bite on its fixture\n`)
      ok = false
    }
  }
  for (const orphan of folders) {
    process.stdout.write(`fixture ${orphan} belongs to no rule\n`)
    ok = false
  }
  if (ok) process.stdout.write(`${rules.length} rules bite on their fixtures\n`)
  return ok
}

const passed = [await checkRepository(), await checkFixtures()]
process.exitCode = passed.every(Boolean) ? 0 : 1
