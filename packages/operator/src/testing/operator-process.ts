/**
 * An operator in a process of its own, for tests that kill it: `node operator-process.ts <server> [operator flags]`. The
 * server is reached without credentials. Ends with its parent.
 */
import { silentLogger } from "@coffer/kube-runtime"
import { parseOperatorFlags } from "../config.ts"
import { runOperator } from "../operator.ts"

const [server = "", ...flags] = process.argv.slice(2)
const stop = new AbortController()
process.once("disconnect", () => stop.abort())
process.once("SIGTERM", () => stop.abort())
await runOperator(
  {
    cluster: { source: "test", server, namespace: "default" },
    config: parseOperatorFlags(["--live-addr=", ...flags]).config,
    logger: silentLogger,
    identity: `operator-${process.pid}`,
  },
  stop.signal,
)
process.exit(0)
