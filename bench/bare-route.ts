/**
 * Baselines of the server's benchmarks: bare Fastify routes without logger, schema or authentication:
 * `node bench/bare-route.ts <port> <file>`.
 *
 * - any GET, and POST /login, give the prepared answer of the file
 * - PATCH inserts one row into a SQLite database beside the file; what arrives in one turn of the event loop shares a
 *   commit and an fdatasync, and is answered after it
 */
import { fdatasync, openSync, readFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { promisify } from "node:util"
import { fastify } from "fastify"

const [port = "0", file = ""] = process.argv.slice(2)
const answer: unknown = JSON.parse(readFileSync(file, "utf8"))
const app = fastify({ logger: false })
app.get("/*", async () => answer)
app.post("/login", async () => answer)
app.patch("/*", async (request) => {
  await insert(JSON.stringify(request.body))
  return answer
})

const database = new DatabaseSync(`${file}.db`)
database.exec("pragma journal_mode = wal; pragma synchronous = normal")
database.exec("create table row (id integer primary key, body text not null) strict")
const statement = database.prepare("insert into row (body) values (?)")
database.exec("insert into row (body) values ('so that the log exists')")
const log = openSync(`${file}.db-wal`, "r+")
const sync = promisify(fdatasync)
const waiting: { readonly body: string; readonly done: () => void }[] = []
let isCommitting = false

function insert(body: string): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ body, done: resolve })
    if (!isCommitting) void commitAll()
  })
}

async function commitAll(): Promise<void> {
  isCommitting = true
  await new Promise((resolve) => setImmediate(resolve))
  while (waiting.length > 0) {
    const batch = waiting.splice(0)
    database.exec("begin immediate")
    for (const { body } of batch) statement.run(body)
    database.exec("commit")
    await sync(log)
    for (const { done } of batch) done()
  }
  isCommitting = false
}

await app.listen({ host: "127.0.0.1", port: Number(port) })
