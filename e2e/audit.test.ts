/** `coffer audit` over the database of a server that ran: what somebody did to the file is found, and exit codes say so. */
import { cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChildProcesses, type Environment, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { startServer } from "../apps/coffer/src/demo/restartable.ts"

describe("the audit log of a server that ran", () => {
  let folder: string
  let env: Environment
  let copies = 0
  const processes = new ChildProcesses()
  const coffer = (args: readonly string[], options: { stdin?: string } = {}) =>
    runCoffer(["audit", ...args], env, options)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-audit-"))
    const server = await startServer(processes, folder)
    env = server.env
    const args = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    await runCoffer([...args, "--password-file", "-"], env, { stdin: "canary-password-77aa" })
    await runCoffer(["projects", "create", "Billing", "--slug", "billing"], env)
    for (const key of ["A", "B", "C", "D"]) {
      const set = ["secrets", "set", `${key}=1`, "--project", "billing", "--env", "prod"]
      expect((await runCoffer(set, env)).exitCode).toBe(0)
    }
    await server.process().stop()
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  const aCopy = async () => {
    copies += 1
    const copy = join(folder, `copy-${copies}`)
    await cp(join(folder, "data"), copy, { recursive: true })
    // Everything of the write-ahead log goes into the one file that is then tampered with.
    change(copy, "pragma wal_checkpoint(truncate)")
    return copy
  }
  const change = (dataFolder: string, sql: string) => {
    const database = new DatabaseSync(join(dataFolder, "coffer.db"))
    database.exec(sql)
    database.close()
  }
  const verify = async (dataFolder: string, ...args: string[]) => {
    const found = await coffer(["verify", "--data-dir", dataFolder, "--output", "json", ...args])
    return { ...found, report: JSON.parse(found.stdout || "{}") }
  }

  it("a stream that has had nothing for hours is shown to be behind, and the server's log warns of it", async () => {
    const own = join(folder, "behind")
    const nowhere = { COFFER_AUDIT_STREAM_FILE: join(own, "not-there", "audit.ndjson") }
    const server = await startServer(processes, own, nowhere)
    const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    await runCoffer([...bootstrap, "--password-file", "-"], server.env, { stdin: "canary-password-77aa" })
    const list = (...args: string[]) => runCoffer(["audit", "streams", "list", ...args], server.env)
    // It is failing once it has been tried.
    const shows = (row: RegExp) =>
      expect.poll(async () => (await list()).stdout, { timeout: 30_000, interval: 300 }).toMatch(row)
    await shows(/BEHIND[\s\S]*│ failing │ \d+ +│ no /)
    await server.process().stop()
    change(server.dataFolder, "update audit_event set at = at - 7200000")
    await server.start()
    await shows(/│ failing │ \d+ +│ since 20\d\d-/)
    const [shown] = JSON.parse((await list("--output", "json")).stdout)
    expect(shown.health).toMatchObject({ isBehind: true, oldestUndeliveredAt: expect.stringMatching(/^20/) })
    // A server looks each minute.
    await server.process().waitForLine(/an audit stream has fallen behind/, 100_000)
    await server.process().stop()
  }, 220_000)

  it("is intact as it was left", async () => {
    const { exitCode, report } = await verify(await aCopy())
    expect(exitCode).toBe(0)
    expect(report.eventsChecked).toBeGreaterThan(4)
  })

  it("one byte changed in the file is found, and log and event are named", async () => {
    const copy = await aCopy()
    const file = join(copy, "coffer.db")
    const bytes = await readFile(file)
    const at = bytes.indexOf('"type":"create-secret"')
    expect(at).toBeGreaterThan(0)
    const start = bytes.lastIndexOf('{"v":1,"log":"', at)
    const [, logId, seq] = /"log":"([^"]+)","seq":(\d+)/.exec(bytes.toString("utf8", start, at)) ?? []
    bytes.write("d", at + '"type":"'.length)
    await writeFile(file, bytes)
    const { exitCode, report, stderr } = await verify(copy)
    expect(exitCode).toBe(8)
    expect(report.findings).toMatchObject([{ kind: "event-edited", logId, seq: Number(seq) }])
    expect(stderr).toContain(`the audit log was changed: 1 finding"`)
  })

  it.for([
    { what: "a removed row", sql: "delete from audit_event where seq = 3", finds: "event-removed" },
    {
      what: "two swapped rows",
      sql: `update audit_event set seq = 99 where seq = 2; update audit_event set seq = 2 where seq = 4;
            update audit_event set seq = 4 where seq = 99`,
      finds: "event-moved",
    },
    { what: "a removed older head", sql: "delete from audit_head where size = 3", finds: "head-removed" },
    { what: "a changed head", sql: "update audit_head set at = at + 1 where size = 3", finds: "head-forged" },
    {
      what: "a removed newest head",
      sql: "delete from audit_head where size = (select max(size) from audit_head)",
      finds: "events-unsigned",
    },
  ])("$what is found with exit code 8", async ({ sql, finds }) => {
    const copy = await aCopy()
    change(copy, sql)
    const { exitCode, report } = await verify(copy)
    expect(exitCode).toBe(8)
    expect(report.findings.map((finding: { kind: string }) => finding.kind)).toContain(finds)
  })

  it("a log that is gone is found against a checkpoint, and not without", async () => {
    const copy = await aCopy()
    const checkpoint = join(folder, "checkpoint.json")
    await writeFile(checkpoint, (await coffer(["checkpoint", "--data-dir", copy])).stdout)
    change(copy, "delete from audit_event; delete from audit_head; delete from audit_log")
    expect((await verify(copy)).exitCode).toBe(0)
    const { exitCode, report } = await verify(copy, "--checkpoint", checkpoint)
    expect(exitCode).toBe(8)
    expect(report.findings).toMatchObject([{ kind: "log-missing" }])
  })

  it("a checkpoint of another database is refused, and the message says why", async () => {
    const copy = await aCopy()
    const checkpoint = JSON.parse((await coffer(["checkpoint", "--data-dir", copy])).stdout)
    checkpoint.at += 1
    const args = ["verify", "--data-dir", copy, "--checkpoint", "-"]
    const { exitCode, stderr } = await coffer(args, { stdin: JSON.stringify(checkpoint) })
    expect(exitCode).toBe(2)
    expect(stderr).toContain("The checkpoint is of another database, or was changed")
  })

  it("ids that somebody wrote into the database cannot steer the terminal", async () => {
    const copy = await aCopy()
    change(copy, `update audit_event set id = char(27) || '[2J' where seq = 2`)
    const { exitCode, stdout } = await coffer(["verify", "--data-dir", copy])
    expect(exitCode).toBe(8)
    expect(stdout).toContain("\\x1b[2J")
    expect(stdout).not.toContain("\u001b")
  })

  it("a folder without a database is refused, and none is made there", async () => {
    const { exitCode, stderr } = await coffer(["verify", "--data-dir", join(folder, "nothing")])
    expect(exitCode).toBe(7)
    expect(stderr).toContain("There is no database in the data folder")
    await expect(stat(join(folder, "nothing"))).rejects.toThrow()
  })

  it("an edited event is found and named", async () => {
    const copy = await aCopy()
    change(copy, "update audit_event set body = replace(body, 'billing', 'billinx') where seq > 3")
    const { exitCode, stdout, report } = await verify(copy)
    expect(exitCode).toBe(8)
    expect(report).toMatchObject({ isIntact: false })
    expect(stdout).toContain("event-edited")
  })

  it("an export is checked without the database, and a change of it is found", async () => {
    const data = ["--data-dir", join(folder, "data")]
    const [file, key] = [join(folder, "audit.ndjson"), join(folder, "audit-key.pem")]
    const exported = await coffer(["export", ...data, "--output-file", file])
    expect(exported).toMatchObject({ exitCode: 0, stdout: "" })
    expect(exported.stderr).toMatch(/^[1-9]\d* events\n$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const again = await coffer(["export", ...data, "--output-file", file])
    expect(again).toMatchObject({ exitCode: 6, stdout: "" })
    expect(again.stderr).toContain(`--output-file: ${file} exists already; --force replaces it`)
    expect(await coffer(["export", ...data, "--output-file", file, "--force"])).toMatchObject({
      exitCode: 0,
    })
    await writeFile(key, (await coffer(["public-key", ...data])).stdout)
    const check = (...args: string[]) => coffer(["verify", "--export", file, "--public-key", key, ...args])
    expect((await check()).stdout).toMatch(/intact/)
    // Heads of an export are as good as a checkpoint.
    expect((await coffer(["verify", ...data, "--checkpoint", file])).exitCode).toBe(0)
    const text = await readFile(file, "utf8")
    await writeFile(file, text.replace("billing", "billinx"))
    expect(await check()).toMatchObject({ exitCode: 8 })
    await writeFile(file, text.slice(0, text.length / 2))
    expect(await check()).toMatchObject({ exitCode: 8 })
    expect(await coffer(["verify", "--export", file, "--public-key", file])).toMatchObject({
      exitCode: 2,
    })
  })

  it("events of one type go into a table, and no cell is a formula", async () => {
    const data = ["--data-dir", join(folder, "data")]
    const csv = await coffer(["export", ...data, "--format", "csv", "--type", "create-project"])
    expect(csv.exitCode).toBe(0)
    const [header, ...rows] = csv.stdout.trim().split("\n")
    expect(header).toMatch(/^at,type,orgId/)
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row).toContain(",create-project,")
    const misspelt = await coffer(["export", ...data, "--type", "get-secretz"])
    expect(misspelt).toMatchObject({ exitCode: 2, stdout: "" })
    expect(misspelt.stderr).toMatch(
      /--type: there are no events of type get-secretz; there are .*get-secret, /,
    )
    const wrong = await coffer(["export", ...data, "--from", "17"])
    expect(wrong).toMatchObject({ exitCode: 2 })
    expect(wrong.stderr).toContain("--from")
  })

  it("a cut end is found against a checkpoint that was kept elsewhere", async () => {
    const copy = await aCopy()
    const { stdout: checkpoint } = await coffer(["checkpoint", "--data-dir", copy])
    const file = join(folder, "kept-elsewhere.json")
    await writeFile(file, checkpoint)
    expect((await verify(copy, "--checkpoint", file)).exitCode).toBe(0)
    const lastHead = "(select max(size) from audit_head where size < (select max(size) from audit_head))"
    change(copy, `delete from audit_event where seq >= ${lastHead}`)
    change(copy, "delete from audit_head where size = (select max(size) from audit_head)")
    expect((await verify(copy)).exitCode).toBe(0)
    expect((await verify(copy, "--checkpoint", file)).exitCode).toBe(8)
  })
})
