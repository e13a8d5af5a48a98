/**
 * Rules that no linter knows: sizes, a README and a first comment per package, a line per run-time
 * dependency, a lock file that works on every platform and names no registry, and one number per decision.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")
const read = (path: string) => readFileSync(join(root, path), "utf8")
const problems: string[] = []
const warnings: string[] = []

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)))
const workspaces = ["packages", "apps"].flatMap((kind) =>
  readdirSync(join(root, kind))
    .map((name) => `${kind}/${name}`)
    .filter((path) => existsSync(join(root, path, "package.json"))),
)

const fileLimit = { warn: 400, fail: 600 }
const functionLimit = { warn: 60, fail: 100 }

function judgeSize(
  what: string,
  lines: number,
  limit: { warn: number; fail: number },
  exceptions: Record<string, string>,
) {
  if (lines <= limit.warn) return
  const text = `${what}: ${lines} lines`
  if (lines > limit.fail && exceptions[what] === undefined) problems.push(`${text} (limit ${limit.fail})`)
  else warnings.push(text)
}

function checkSizes(): number {
  const exceptions = JSON.parse(read("tools/size-exceptions.json")) as Record<string, string>
  const sources = files.filter((file) => /\.tsx?$/.test(file) && !file.includes("/fixtures/"))
  for (const file of sources) {
    const text = read(file)
    judgeSize(file, text.split("\n").length, fileLimit, exceptions)
    if (!/\.test\.|\/testing\//.test(file)) checkFunctions(file, text, exceptions)
  }
  return sources.length
}

function checkFunctions(file: string, text: string, exceptions: Record<string, string>) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const visit = (node: ts.Node) => {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      const first = source.getLineAndCharacterOfPosition(node.getStart()).line
      const last = source.getLineAndCharacterOfPosition(node.end).line
      const name = "name" in node && node.name !== undefined ? node.name.getText() : `line ${first + 1}`
      judgeSize(`${file}#${name}`, last - first + 1, functionLimit, exceptions)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
}

function checkPackages() {
  const dependencyPage = existsSync(join(root, "docs/dependencies.md")) ? read("docs/dependencies.md") : ""
  for (const path of workspaces) {
    if (!existsSync(join(root, path, "README.md"))) problems.push(`${path}: no README.md`)
    const index = join(root, path, "src/index.ts")
    if (existsSync(index) && !readFileSync(index, "utf8").startsWith("/**")) {
      problems.push(`${path}/src/index.ts: the first comment must say what lives here`)
    }
    const manifest = JSON.parse(read(`${path}/package.json`)) as { dependencies?: Record<string, string> }
    for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
      if (!/^\d/.test(version)) problems.push(`${path}: ${name} is not pinned exactly`)
      if (!name.startsWith("@coffer/") && !dependencyPage.includes(`\`${name}\``)) {
        problems.push(`docs/dependencies.md: no line for ${name} (used by ${path})`)
      }
    }
  }
}

function checkLockFile() {
  const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, { optional?: boolean }> }
  if (/"resolved": "http/.test(read("package-lock.json"))) problems.push("package-lock.json names a registry")
  const manifest = JSON.parse(read("package.json")) as { optionalDependencies: Record<string, string> }
  for (const name of Object.keys(manifest.optionalDependencies)) {
    if (lock.packages[`node_modules/${name}`] === undefined) problems.push(`package-lock.json lost ${name}`)
  }
  for (const prefix of ["@biomejs/cli-", "@rolldown/binding-", "@oxc-resolver/binding-"]) {
    const platforms = Object.keys(lock.packages).filter((path) => path.startsWith(`node_modules/${prefix}`))
    for (const platform of ["linux-x64", "darwin-arm64", "win32-x64"]) {
      if (!platforms.some((path) => path.includes(platform)))
        problems.push(`package-lock.json lost ${prefix}${platform}`)
    }
  }
}

/** Two branches that each decide something may take the same number. */
function checkDecisions() {
  const numbers = files.flatMap((file) => /^docs\/adr\/(\d{4})-/.exec(file)?.[1] ?? [])
  if (numbers.length === 0) problems.push("docs/adr: no decision has a number")
  for (const number of new Set(numbers.filter((one, index) => numbers.indexOf(one) !== index)))
    problems.push(`docs/adr: two decisions have the number ${number}`)
}

const sources = checkSizes()
checkPackages()
checkLockFile()
checkDecisions()
for (const warning of warnings) process.stdout.write(`large: ${warning}\n`)
for (const problem of problems) process.stdout.write(`${problem}\n`)
process.stdout.write(`${sources} sources, ${workspaces.length} workspaces, ${problems.length} problems\n`)
process.exitCode = problems.length === 0 && sources > 20 ? 0 : 1
