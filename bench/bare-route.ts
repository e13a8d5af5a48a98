/**
 * The baseline of reads: a bare Fastify route that gives a prepared answer, without logger, schema or
 * authentication: `node bench/bare-route.ts <port> <file with the answer>`.
 */
import { readFileSync } from "node:fs"
import { fastify } from "fastify"

const [port = "0", file = ""] = process.argv.slice(2)
const answer: unknown = JSON.parse(readFileSync(file, "utf8"))
const app = fastify({ logger: false })
app.get("/api/v3/secrets/raw/:name", async () => answer)
await app.listen({ host: "127.0.0.1", port: Number(port) })
