/**
 * The least that keeps the promises of a read and a write, to know how much of a server's cost they alone are:
 * `node bench/sketch.ts <port> <file>`. A bare Fastify route of one process with a SQLite file, which
 *
 * - looks the token up by its SHA-256, and has no rights, epochs, limits, request ids or references to judge
 * - GET: opens the prepared answer of the file, sealed with AES-256-GCM for each URL, after one row of an audit table
 * - PATCH: seals what came, inserts a version, updates the current row and the revision, and inserts a row of audit
 *
 * What arrives in one turn of the event loop shares a commit (`synchronous=full`), and is answered after it. There is
 * no Merkle tree and no signature.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes, randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { fastify } from "fastify"

const [port = "0", file = ""] = process.argv.slice(2)
const answer = JSON.stringify(JSON.parse(readFileSync(file, "utf8")))
const key = randomBytes(32)

type Sealed = { readonly nonce: Buffer; readonly ciphertext: Buffer; readonly tag: Buffer }

function seal(text: string): Sealed {
  const nonce = randomBytes(12)
  const cipher = createCipheriv("aes-256-gcm", key, nonce)
  const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()])
  return { nonce, ciphertext, tag: cipher.getAuthTag() }
}

function open({ nonce, ciphertext, tag }: Sealed): string {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAuthTag(tag)
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8")
}

const database = new DatabaseSync(`${file}.sketch.db`)
database.exec("pragma journal_mode = wal; pragma synchronous = full")
database.exec(`
  create table audit (seq integer primary key, id text not null, at integer not null, org_id text not null,
    project_id text not null, body text not null) strict;
  create index audit_org on audit (org_id, at);
  create index audit_project on audit (project_id, at);
  create table project (id text primary key, revision integer not null) strict, without rowid;
  insert into project values ('project', 0);
  create table version (id text not null, version integer not null, nonce blob not null, ciphertext blob not null,
    tag blob not null, at integer not null, primary key (id, version)) strict, without rowid;
  create table secret (id text primary key, version integer not null, nonce blob not null, ciphertext blob not null,
    tag blob not null) strict, without rowid;
`)
const insertAudit = database.prepare(
  "insert into audit (id, at, org_id, project_id, body) values (?, ?, ?, ?, ?)",
)
const advance = database.prepare(
  "update project set revision = revision + 1 where id = 'project' returning revision",
)
const insertVersion = database.prepare("insert into version values (?, ?, ?, ?, ?, ?)")
const replaceSecret = database.prepare(
  `insert into secret values (?1, 1, ?2, ?3, ?4)
   on conflict (id) do update set version = version + 1, nonce = ?2, ciphertext = ?3, tag = ?4 returning version`,
)

const waiting: { readonly work: () => void; readonly done: () => void }[] = []

/** Runs `work` in the transaction of this turn; resolves once it is durable. */
function durably(work: () => void): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ work, done: resolve })
    if (waiting.length === 1) setImmediate(commitAll)
  })
}

function commitAll(): void {
  const batch = waiting.splice(0)
  database.exec("begin immediate")
  for (const { work } of batch) work()
  database.exec("commit")
  for (const { done } of batch) done()
}

function audit(id: string, type: string, url: string): void {
  const at = Date.now()
  const actor = { type: "identity", id: "reader", name: "reader", authMethod: "universal-auth" }
  const source = { ipAddress: "127.0.0.1", userAgent: "", userAgentType: "other" }
  const event = { id, at, type, orgId: "org", projectId: "project", actor, source, metadata: { url } }
  insertAudit.run(id, at, "org", "project", JSON.stringify(event))
}

const tokens = new Set<string>()
const sealedAnswers = new Map<string, Sealed>()
const app = fastify({ logger: false })

function authenticate(authorization = ""): void {
  const digest = hash("sha256", authorization, "base64")
  // Whoever comes first is let in: there is nothing here to protect.
  if (tokens.size > 0 && !tokens.has(digest)) throw new Error("unknown token")
  tokens.add(digest)
}

app.get("/ready", async () => "ready")
app.get("/*", async (request, reply) => {
  authenticate(request.headers.authorization)
  let sealed = sealedAnswers.get(request.url)
  if (sealed === undefined) {
    sealed = seal(answer)
    sealedAnswers.set(request.url, sealed)
  }
  await durably(() => audit(randomUUID(), "get-secret", request.url))
  return reply.header("content-type", "application/json; charset=utf-8").send(open(sealed))
})
app.patch("/*", async (request, reply) => {
  authenticate(request.headers.authorization)
  const { nonce, ciphertext, tag } = seal(JSON.stringify(request.body))
  await durably(() => {
    advance.get()
    const row = replaceSecret.get(request.url, nonce, ciphertext, tag)
    insertVersion.run(request.url, Number(row?.["version"]), nonce, ciphertext, tag, Date.now())
    audit(randomUUID(), "update-secret", request.url)
  })
  return reply.header("content-type", "application/json; charset=utf-8").send(answer)
})

await app.listen({ host: "127.0.0.1", port: Number(port) })
