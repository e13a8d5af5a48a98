/** Whose events end when, with several organizations and projects, on both databases. */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anEvent, insertProject } from "../../../db/testing/rows.ts"
import { RetentionRules } from "../rules.ts"
import { findings, idsOf, retain } from "./retention-conformance.ts"

const dayMs = 86_400_000

type Days = Readonly<Record<string, number | null>>

/** Organizations, and projects of them (`org-1/a`), with their days. */
async function openWith(
  open: OpenTestStorage,
  { organizations, projects = {} }: { organizations: Days; projects?: Days },
): Promise<TestStorage> {
  const storage = await open()
  await storage.database.write(async ({ db }) => {
    for (const [id, days] of Object.entries(organizations)) {
      const values = { id, name: id, slug: id, created_at: 0, updated_at: 0, audit_retention_days: days }
      await db.insertInto("organization").values(values).execute()
    }
    for (const [id, days] of Object.entries(projects)) {
      await insertProject(db, id)
      const change = { org_id: id.split("/")[0] ?? "", audit_retention_days: days }
      await db.updateTable("project").set(change).where("id", "=", id).execute()
    }
  })
  return storage
}

export function rulesConformance(open: OpenTestStorage): void {
  const organizations = { "org-1": 90, "org-2": 10, "org-3": null }
  const projects = {
    ...{ "org-1/short": 30, "org-1/long": 120, "org-1/none": null },
    ...{ "org-2/none": null, "org-3/short": 5, "org-3/none": null },
  }

  it("an event has the shorter time of its organization and its project, and no other's", async () => {
    const { database, clock } = await openWith(open, { organizations, projects })
    const rules = await RetentionRules.load(database.reader)
    const now = clock.now()
    const isExpired = (org: string, project: string | null, at: number) =>
      rules.isExpired({ org_id: org, project_id: project === null ? null : `${org}/${project}`, at }, now)
    for (const [org, project, days] of [
      ["org-1", null, 90],
      ["org-1", "short", 30],
      ["org-1", "long", 90],
      ["org-1", "none", 90],
      ["org-2", null, 10],
      ["org-2", "none", 10],
      ["org-3", "short", 5],
    ] as const) {
      const ofAge = (ms: number) => isExpired(org, project, now - days * dayMs - ms)
      expect([ofAge(0), ofAge(1)], `${org} ${project}`).toEqual([false, true])
    }
    const forEver = [isExpired("org-3", null, 0), isExpired("org-3", "none", 0), isExpired("gone", null, 0)]
    expect(forEver).toEqual([false, false, false])
  })

  it("those who end before the last one do so by themselves", async () => {
    const storage = await openWith(open, { organizations, projects })
    const now = storage.clock.now()
    const early = async () => {
      const rules = await RetentionRules.load(storage.database.reader)
      return new Map(rules.early(now).map((one) => [one.id, [one.column, (now - one.before) / dayMs]]))
    }
    const ofProjects = [
      ["org-1/short", ["project_id", 30]],
      ["org-3/short", ["project_id", 5]],
    ] as const
    expect(await early()).toEqual(
      new Map([...ofProjects, ["org-1", ["org_id", 90]], ["org-2", ["org_id", 10]]] as never),
    )
    const setDays = (id: string, days: number | null) =>
      storage.database.write(({ db }) =>
        db.updateTable("organization").set({ audit_retention_days: days }).where("id", "=", id).execute(),
      )
    await setDays("org-3", 90)
    expect(await early()).toEqual(new Map([...ofProjects, ["org-2", ["org_id", 10]]] as never))
    await setDays("org-1", null)
    // Nothing ends the organization's own events now, so its project's longer time counts too.
    const ofOthers = [
      ["org-1/long", ["project_id", 120]],
      ["org-2", ["org_id", 10]],
      ["org-3", ["org_id", 90]],
    ] as const
    expect(await early()).toEqual(new Map([...ofProjects, ...ofOthers] as never))
  })

  it.for([
    { what: "nobody", of: { organizations: { "org-1": null }, projects: { "org-1/a": null } }, is: true },
    { what: "one project", of: { organizations: { "org-1": null }, projects: { "org-1/a": 3 } }, is: false },
    { what: "one of two organizations", of: { organizations: { "org-1": null, "org-2": 3 } }, is: false },
    { what: "the other of the two", of: { organizations: { "org-1": 3, "org-2": null } }, is: false },
  ])("where $what has a time, that everything is kept for ever is $is", async ({ of, is }) => {
    const { database } = await openWith(open, of)
    expect((await RetentionRules.load(database.reader)).isForEver).toBe(is)
  })

  it("in one log, an organization's events are emptied alone, and the neighbour's are kept", async () => {
    const storage = await openWith(open, { organizations: { "org-1": 90, "org-2": 10 } })
    const { clock, database } = storage
    const events = ["org-1", "org-2", "org-1", "org-2"].map((orgId, index) =>
      anEvent(`e${index}`, { orgId, projectId: null, at: clock.now() }),
    )
    await database.record(events, { projectIds: [], actorIds: [] })
    clock.advance(10 * dayMs)
    expect(await retain(storage)).toBe(0)
    clock.advance(1)
    expect(await retain(storage)).toBe(2)
    expect(await idsOf(storage)).toEqual(["e0", "", "e2", ""])
    expect(await findings(storage)).toEqual([])
  })
}
