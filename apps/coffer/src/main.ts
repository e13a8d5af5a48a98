/**
 * Where the command begins. Compiled modules are cached in the user's own cache folder (never in a folder that
 * others can write to), which halves the time to start; only then the rest is loaded.
 */
import { enableCompileCache } from "node:module"
import { compileCacheFolder } from "./config.ts"

enableCompileCache(compileCacheFolder())
const { runCommandProcess } = await import("./command-process.ts")
process.exitCode = await runCommandProcess()
