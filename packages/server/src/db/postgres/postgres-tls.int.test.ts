/** `DB_ROOT_CERT`: who may be taken for the database, tried on a real PostgreSQL with a certificate of its own authority. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { aClock, aLog, describeWithPostgres, seededRandom } from "@coffer/testkit"
import type { JsonGeneralNames } from "@peculiar/x509"
import pg from "pg"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { readConfig } from "../../config.ts"
import { openStorage, type Storage } from "../../storage.ts"
import {
  type Authority,
  aCertificateOf,
  anAuthority,
  type KeyedCertificate,
} from "../../testing/a-certificate.ts"
import { openDatabaseForReading } from "../index.ts"
import { insertProject } from "../testing/rows.ts"

const loopback: JsonGeneralNames = [{ type: "ip", value: "127.0.0.1" }]

describeWithPostgres("PostgreSQL over TLS, with DB_ROOT_CERT", (postgres) => {
  let folder: string
  let authorities: { readonly right: Authority; readonly wrong: Authority }
  const open: Storage[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "coffer-tls-"))
    authorities = { right: await anAuthority("right"), wrong: await anAuthority("wrong") }
  })
  afterEach(async () => {
    for (const { database } of open.splice(0)) await database.close()
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** As the server reads it: the environment's text, with the certificate in base64. */
  const configFor = (uri: string, rootPem: string) =>
    readConfig({
      DB_CONNECTION_URI: uri,
      DB_ROOT_CERT: Buffer.from(rootPem).toString("base64"),
      COFFER_DATA_DIR: mkdtempSync(join(folder, "data-")),
    })
  const connect = async (uri: string, rootPem: string): Promise<Storage> => {
    const deps = { clock: aClock(), random: seededRandom("tls"), log: aLog() }
    const storage = await openStorage(databaseOf(configFor(uri, rootPem)), deps)
    open.push(storage)
    return storage
  }
  /** Refused before anything was sent that the wrong server could use, and without a word of the password. */
  const expectRefused = async (uri: string, rootPem: string, reason: string) => {
    const failure = await connect(uri, rootPem).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ kind: "unavailable" })
    expect(String(failure)).toContain(reason)
    expect(String(failure)).not.toContain(new URL(uri).password)
  }

  it("a server without TLS is refused", async () => {
    await expectRefused(await postgres().createDatabase(), authorities.right.cert, "reached")
  })

  describe("on a server whose certificate names its address", () => {
    let uri: string

    beforeAll(async () => {
      const names = [{ type: "dns", value: "localhost" } as const, ...loopback]
      await serveTls(postgres().url, await aCertificateOf(authorities.right, names))
      uri = await postgres().createDatabase()
    })

    it("the right authority is accepted, and every connection is encrypted", async () => {
      const { database } = await connect(uri, authorities.right.cert)
      await database.write(({ db }) => insertProject(db))
      expect(await database.reader.selectFrom("project").select("id").execute()).toHaveLength(1)
      const encrypted = await ask(
        uri,
        `select distinct application_name as name, ssl from pg_stat_ssl join pg_stat_activity using (pid)
         where application_name like 'coffer %' order by 1`,
      )
      expect(encrypted.length).toBeGreaterThan(1)
      expect(encrypted.filter(({ ssl }) => ssl !== true)).toEqual([])
    })

    it("an authority that did not sign it is refused, also by commands that only read", async () => {
      const { cert } = authorities.wrong
      await expectRefused(uri, cert, "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
      const reading = openDatabaseForReading(databaseOf(configFor(uri, cert)), aLog())
      await expect(reading).rejects.toMatchObject({ kind: "unavailable" })
    })

    it.for([
      "sslmode=disable",
      "sslmode=no-verify",
      "ssl=0",
      "ssl=false",
      "ssl=no-verify",
      "sslmode=require&uselibpqcompat=true",
    ])("%s in the URI does not open what the certificate closes", async (parameter) => {
      await expectRefused(`${uri}?${parameter}`, authorities.wrong.cert, "UNABLE_TO_VERIFY")
      await connect(`${await postgres().createDatabase()}?${parameter}`, authorities.right.cert)
    })

    it.for(["sslcert=/a.pem", "sslkey=/a.key"])("%s in the URI is refused by name", async (parameter) => {
      const opening = connect(`${uri}?${parameter}`, authorities.right.cert)
      await expect(opening).rejects.toMatchObject({
        kind: "invalid",
        message: expect.stringContaining("sslcert"),
      })
    })
  })

  it("a certificate of the right authority for another address is refused", async () => {
    const elsewhere: JsonGeneralNames = [
      { type: "dns", value: "elsewhere.test" },
      { type: "ip", value: "192.0.2.1" },
    ]
    await serveTls(postgres().url, await aCertificateOf(authorities.right, elsewhere))
    const uri = await postgres().createDatabase()
    await expectRefused(uri, authorities.right.cert, "ERR_TLS_CERT_ALTNAME_INVALID")
    const byName = uri.replace("127.0.0.1", "localhost")
    await expectRefused(byName, authorities.right.cert, "ERR_TLS_CERT_ALTNAME_INVALID")
  })

  it("a certificate for the IP address alone is good for a URI with that address, and no other", async () => {
    await serveTls(postgres().url, await aCertificateOf(authorities.right, loopback))
    const uri = await postgres().createDatabase()
    await connect(uri, authorities.right.cert)
    const byName = uri.replace("127.0.0.1", "localhost")
    await expectRefused(byName, authorities.right.cert, "ERR_TLS_CERT_ALTNAME_INVALID")
  })
})

function databaseOf(config: ReturnType<typeof readConfig>) {
  const { dataFolder, connectionUri, rootCertificatePem } = config
  if (connectionUri === undefined || rootCertificatePem === undefined) throw new Error("not configured")
  return { dataFolder, connectionUri, rootCertificatePem }
}

/** PostgreSQL writes the files itself, because only its own user may read the key; new connections then use them. */
async function serveTls(url: string, { cert, key }: KeyedCertificate): Promise<void> {
  await ask(url, copyTo("server.crt", cert))
  await ask(url, copyTo("server.key", key))
  await ask(url, "alter system set ssl = on")
  await ask(url, "select pg_reload_conf()")
  const wanted = cert.replaceAll(/\s/g, "")
  const options = { timeout: 10_000, interval: 20 }
  await vi.waitUntil(async () => (await certificateOf(url)) === wanted, options)
}

function copyTo(file: string, pem: string): string {
  const lines = `unnest(string_to_array('${pem.trimEnd()}', E'\n'))`
  return `copy (select ${lines}) to program 'umask 077; cat > ${file}'`
}

/** What the server shows to a client that takes everything. */
async function certificateOf(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, ssl: { rejectUnauthorized: false } })
  try {
    await client.connect()
    const { stream } = (client as unknown as { connection: { stream: import("node:tls").TLSSocket } })
      .connection
    const { raw } = stream.getPeerCertificate()
    return `-----BEGINCERTIFICATE-----${raw.toString("base64")}-----ENDCERTIFICATE-----`
  } catch {
    return undefined // it does not speak TLS yet
  } finally {
    await client.end()
  }
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
