import { randomBytes } from "node:crypto"
import { join } from "node:path"
import type { SupervisedProgram, Supervisor } from "../supervision/supervisor.ts"
import { retryOnTakenPort } from "./free-port.ts"
import { probe } from "./request.ts"
import { waitUntilServing } from "./wait-until-serving.ts"

export type EtcdOptions = {
  readonly file: string
  /** False: nothing is flushed to disk, which is right for data that is thrown away. */
  readonly fsync: boolean
  readonly timeoutMs: number
}

export type Etcd = { readonly url: string; readonly process: SupervisedProgram }

/** Starts a single-member etcd on a free loopback port and waits until it answers. */
export function startEtcd(supervisor: Supervisor, options: EtcdOptions): Promise<Etcd> {
  return retryOnTakenPort(async (port, round) => {
    const url = `http://127.0.0.1:${port}`
    const memberName = `coffer-${randomBytes(8).toString("hex")}`
    const program = await supervisor.start({
      name: `etcd-${round}`,
      file: options.file,
      args: [
        `--name=${memberName}`,
        `--data-dir=${join(supervisor.directory, `etcd-data-${round}`)}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        "--listen-peer-urls=http://127.0.0.1:0", // a single member has no peers
        "--log-level=warn",
        ...(options.fsync ? [] : ["--unsafe-no-fsync"]),
      ],
    })
    await waitUntilServing("etcd", program, () => isMember(url, memberName), options.timeoutMs)
    return { url, process: program }
  })
}

/** True if the etcd behind `url` is the one we started: after a lost race for the port it would not be. */
async function isMember(url: string, memberName: string): Promise<boolean> {
  const answer = await probe(`${url}/v3/cluster/member/list`, { method: "POST", body: "{}" })
  return answer?.status === 200 && answer.body.includes(memberName)
}
