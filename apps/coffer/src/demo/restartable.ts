/** A server or an operator as a process that can be killed and started again on the same data. */
import { join } from "node:path"
import { reservePort } from "@coffer/control-plane"
import { compileCacheFolder, readConfig } from "../config.ts"
import type { ChildProcesses, Environment, RunningCommand } from "./processes.ts"

export interface Restartable {
  /** Starts it and waits until it says that it is ready. */
  start(): Promise<void>
  /** The newest process. */
  process(): RunningCommand
}

export interface RestartableServer extends Restartable {
  /** The same after every restart. */
  readonly url: string
  /** Where it keeps its database and its root key. */
  readonly dataFolder: string
  /** Environment of commands that talk to it: its address, a home of their own, nothing of the user's. */
  readonly env: Environment
}

const START_TIMEOUT_MS = 60_000

/**
 * `coffer server` on a port of its own, of loopback unless `settings` say otherwise, with its data in `folder`; running when
 * this resolves.
 *
 * @param settings further environment of the server
 */
export async function startServer(
  processes: ChildProcesses,
  folder: string,
  settings: Environment = {},
): Promise<RestartableServer> {
  const dataFolder = join(folder, "data")
  const startOn = async (port: number) => {
    const command = processes.start(["server"], {
      ...isolatedEnvironment(folder),
      HOST: "127.0.0.1",
      PORT: String(port),
      COFFER_DATA_DIR: dataFolder,
      ...settings,
    })
    const [, url = ""] = await command.waitForLine(/listening on (http:\/\/[^\s;]+)/, START_TIMEOUT_MS)
    return { command, url }
  }
  const port = await reservePort()
  let running = await startOn(port)
  const { url } = running
  return {
    url,
    dataFolder,
    env: { ...isolatedEnvironment(folder), INFISICAL_DOMAIN: url },
    start: async () => {
      running = await startOn(port)
    },
    process: () => running.command,
  }
}

/** `coffer operator` for the cluster of a kubeconfig; not running yet. */
export function prepareOperator(
  processes: ChildProcesses,
  folder: string,
  kubeconfigPath: string,
): Restartable {
  let command: RunningCommand | undefined
  return {
    start: async () => {
      command = processes.start(["operator", "--live-addr", "127.0.0.1:0"], {
        ...isolatedEnvironment(folder),
        KUBECONFIG: kubeconfigPath,
      })
      await command.waitForLine(/operator is running/, START_TIMEOUT_MS)
    },
    process: () => {
      if (command === undefined) throw new Error("the operator was not started yet")
      return command
    },
  }
}

/** What a process needs to run at all, and nothing that could point it at the user's own server or cluster. */
function isolatedEnvironment(folder: string): Environment {
  const { environment } = readConfig()
  const inherited = ["PATH", "TMPDIR", "SystemRoot"].flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(inherited),
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, "config"),
    NODE_COMPILE_CACHE: compileCacheFolder(),
  }
}
