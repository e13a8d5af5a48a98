import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { AuditSource } from "../../../audit/audit-event.ts"
import type { Database } from "../../../db/database.ts"
import { aMachine, anInstance, type Instance, type Machine } from "../../../testing/test-app.ts"
import { type LoginDeps, login } from "../login.ts"

const wrong = "Invalid credentials"
const locked = "This identity auth method is temporarily locked, please try again later"
const wrongSecret = "0".repeat(64)

/** Logins with universal auth that come at the same time count as if they had come one after the other. */
export function describeLoginsAtOnce(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "logins with universal auth at once", (open) => {
    const make = async (of: Parameters<typeof aMachine>[1] = {}) => {
      const instance = await anInstance(await open())
      return { instance, machine: await aMachine(instance, of) }
    }

    it("from one source, as many wrong secrets are answered as its threshold says", async () => {
      const { instance, machine } = await make()
      const answers = await Promise.all(times(20).map(() => guess(instance, machine)))
      expect(tally(answers)).toEqual({ [wrong]: 3, [locked]: 17 })
      expect(await counted(instance, machine)).toMatchObject({ "127.0.0.1": 3, "": 3 })
      const events = await instance.test.auditEvents()
      const failed = events.filter(({ type }) => type === "login-identity-universal-auth-failed")
      expect(tally(failed.map(({ metadata }) => String(metadata["reasonCode"])))).toEqual({
        "wrong-client-secret": 3,
        locked: 17,
      })
      expect(await logIn(instance, machine)).toBe(locked)
    })

    it("from many sources, as many are answered as the cap of the client id says", async () => {
      const { instance, machine } = await make()
      const from = (index: number) => `192.0.2.${index + 1}`
      const answers = await Promise.all(times(45).map((index) => guess(instance, machine, from(index))))
      expect(tally(answers)).toEqual({ [wrong]: 30, [locked]: 15 })
      expect(await counted(instance, machine)).toMatchObject({ "": 30 })
      expect(await logIn(instance, machine, "198.51.100.1")).toBe(locked)
    })

    const mine = ({ clientId, clientSecret }: Machine) => ({ clientId, clientSecret })
    it.for([
      { what: "the right secret", shown: mine },
      { what: "a wrong one", shown: wrongFor },
      {
        what: "the right one for another organization",
        shown: (machine: Machine) => ({ ...mine(machine), organizationSlug: "other" }),
      },
    ])("$what that was compared before the lock, and is counted after it, hears of the lock alone", async ({
      shown,
    }) => {
      const { instance, machine } = await make()
      const late = aLateWriter(instance)
      const answer = answerOf(login(late.deps, here, { organizationSlug: undefined, ...shown(machine) }))
      await late.isAboutToWrite
      expect(await Promise.all(times(3).map(() => guess(instance, machine)))).toEqual([wrong, wrong, wrong])
      instance.test.clock.advance(1_000)
      late.goesOn()
      expect(await answer).toBe(locked)
      expect(await counted(instance, machine)).toMatchObject({ "127.0.0.1": 3, "": 3 })
      instance.test.clock.advance(299_000)
      expect(await logIn(instance, machine)).toBe("logged in")
    })

    it("a success forgives what was counted before it, and nothing that is counted after it", async () => {
      const { instance, machine } = await make()
      const late = aLateWriter(instance)
      const answer = answerOf(login(late.deps, here, { organizationSlug: undefined, ...wrongFor(machine) }))
      await late.isAboutToWrite
      expect(await guess(instance, machine)).toBe(wrong)
      expect(await logIn(instance, machine)).toBe("logged in")
      expect(await counted(instance, machine)).toEqual({})
      late.goesOn()
      expect(await answer).toBe(wrong)
      expect(await counted(instance, machine)).toEqual({ "127.0.0.1": 1, "": 1 })
    })

    it("without a lockout every wrong secret is answered, and none is counted", async () => {
      const { instance, machine } = await make({ settings: { lockoutEnabled: false } })
      const answers = await Promise.all(times(10).map(() => guess(instance, machine)))
      expect(tally(answers)).toEqual({ [wrong]: 10 })
      expect(await counted(instance, machine)).toEqual({})
    })

    it("a client secret for one login more opens one", async () => {
      const { instance, machine } = await make({ clientSecret: { numUsesLimit: 2 } })
      const answers = await Promise.all(times(10).map(() => logIn(instance, machine)))
      expect(answers.filter((answer) => answer === "logged in")).toHaveLength(1)
      const { database } = instance.test.storage
      const tokens = await database.reader
        .selectFrom("access_token")
        .select("id")
        .where("client_secret_id", "=", machine.clientSecretId)
        .execute()
      expect(tokens).toHaveLength(2)
    })
  })
}

const here: AuditSource = {
  ipAddress: "127.0.0.1",
  userAgent: "",
  userAgentType: "other",
  requestId: "req-1",
}

function times(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function tally(texts: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length]))
}

/** What the server said, or "logged in". */
async function logIn(
  { test }: Instance,
  credentials: { readonly clientId: string; readonly clientSecret: string },
  from?: string,
): Promise<string> {
  const { clientId, clientSecret } = credentials
  const answer = await test.call("POST", "/v1/auth/universal-auth/login", {
    body: { clientId, clientSecret },
    ...(from === undefined ? {} : { from }),
  })
  return answer.status === 200 ? "logged in" : answer.body.message
}

function wrongFor({ clientId }: Machine) {
  return { clientId, clientSecret: wrongSecret }
}

function guess(instance: Instance, machine: Machine, from?: string): Promise<string> {
  return logIn(instance, wrongFor(machine), from)
}

async function answerOf(attempt: Promise<unknown>): Promise<string> {
  return await attempt.then(
    () => "logged in",
    (error: Error) => error.message,
  )
}

/** Failures of the client id by source; "" stands for all sources together. */
async function counted({ test }: Instance, { clientId }: Machine): Promise<Readonly<Record<string, number>>> {
  const rows = await test.storage.database.reader
    .selectFrom("login_failure")
    .select(["source", "failures"])
    .where("client_id", "=", clientId)
    .execute()
  return Object.fromEntries(rows.map(({ source, failures }) => [source, failures]))
}

/** A process that has judged a login and does not write until it is told to. */
function aLateWriter({ test }: Instance) {
  const { features } = test.app
  const { database } = features
  const arrived = Promise.withResolvers<void>()
  const told = Promise.withResolvers<void>()
  const late: Database = {
    kind: database.kind,
    reader: database.reader,
    signals: database.signals,
    write: async (work) => {
      arrived.resolve()
      await told.promise
      return await database.write(work)
    },
    record: (events, witness) => database.record(events, witness),
    assertWritable: () => database.assertWritable(),
    close: () => database.close(),
  }
  const deps: LoginDeps = { ...features, database: late }
  return { deps, isAboutToWrite: arrived.promise, goesOn: () => told.resolve() }
}
