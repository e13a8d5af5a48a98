import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { findOnPath, isRunnable, type Tool } from "./tools.ts"

const oldestMajor = 15
const programs = ["postgres", "initdb", "createdb"]

/** Folders in which distributions keep one folder per major version. */
const versionedFolders: readonly { readonly parent: string; readonly prefix: string }[] = [
  { parent: "/usr/lib/postgresql", prefix: "" },
  { parent: "/opt/homebrew/opt", prefix: "postgresql@" },
  { parent: "/usr/local/opt", prefix: "postgresql@" },
]

/** PostgreSQL's programs; `find` answers with the folder that holds them. */
export const postgresTool: Tool = {
  name: `PostgreSQL ${oldestMajor} or newer`,
  hint: "install it (Debian: apt-get install postgresql), or set POSTGRES_BIN to the folder of its programs",
  find: findPostgres,
}

/**
 * The folder of PostgreSQL's programs: `POSTGRES_BIN`, then the PATH, then where distributions put them.
 * Throws if `POSTGRES_BIN` is set to a folder that will not do.
 */
function findPostgres(): string | undefined {
  const chosen = process.env["POSTGRES_BIN"]
  if (chosen) {
    if (isUsable(chosen)) return chosen
    throw new Error(
      `POSTGRES_BIN is ${chosen}, but that folder does not hold ${programs.join(", ")} of PostgreSQL ${oldestMajor} or newer`,
    )
  }
  const onPath = findOnPath("initdb")
  const candidates = [...(onPath ? [dirname(onPath)] : []), ...versionedFolders.flatMap(binFolders)]
  return candidates.find(isUsable)
}

function binFolders({ parent, prefix }: (typeof versionedFolders)[number]): string[] {
  let names: string[]
  try {
    names = readdirSync(parent)
  } catch {
    return [] // this distribution keeps them elsewhere
  }
  const majors = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  return majors
    .filter((major) => /^\d+$/.test(major))
    .sort((a, b) => Number(b) - Number(a))
    .map((major) => join(parent, `${prefix}${major}`, "bin"))
}

function isUsable(folder: string): boolean {
  if (!programs.every((program) => isRunnable(join(folder, program)))) return false
  const answer = spawnSync(join(folder, "postgres"), ["--version"], { encoding: "utf8", timeout: 60_000 })
  const major = /(\d+)(?:\.|devel|beta|rc|\s|$)/.exec(answer.stdout ?? "")?.[1]
  return major !== undefined && Number(major) >= oldestMajor
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`. Undefined: as we are. */
export function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = accounts.find(([account]) => account === name) ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}
