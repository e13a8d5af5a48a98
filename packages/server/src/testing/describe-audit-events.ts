import { auditEventFields } from "@coffer/contract"
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { z } from "zod"
import type { AuditEvent } from "../audit/audit-event.ts"
import { type ContractEventType, contractEvents, notServed } from "./contract-events.ts"
import {
  logInFromElsewhere,
  lookAndBeTold,
  workOnIdentities,
  workOnSecrets,
  workOnStructure,
} from "./contract-operations.ts"
import { anInstance, aProject } from "./test-app.ts"
import { WebhookReceiver } from "./webhook-receiver.ts"
import { Workbench } from "./workbench.ts"

/** What the audit log holds of each type once everything was done. */
async function eventsOfEverything(storage: Parameters<typeof anInstance>[0]) {
  const receiver = await WebhookReceiver.start()
  try {
    const instance = await anInstance(storage, { allowInternalConnections: true })
    const bench = new Workbench(instance, (await aProject(instance)).id)
    await workOnSecrets(bench)
    await workOnStructure(bench)
    await workOnIdentities(bench)
    await lookAndBeTold(bench, receiver)
    await logInFromElsewhere(bench, receiver)
    return Map.groupBy(await instance.test.auditEvents(), (event) => event.type)
  } finally {
    await receiver.close()
  }
}

/** The contract's audit events, caused by requests, on either database. */
export function describeAuditEvents(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the audit events of the contract", (open) => {
    it("are each caused by an operation, and carry the metadata that the contract names", async () => {
      const events = await eventsOfEverything(await open())
      const types = Object.keys(contractEvents) as ContractEventType[]
      expect(types.filter((type) => !events.has(type))).toEqual([])
      const problems = types.flatMap((type) => {
        const schema = z.looseObject(contractEvents[type])
        return (events.get(type) ?? []).flatMap(({ metadata }) => {
          const { error } = schema.safeParse(metadata)
          return error === undefined ? [] : [{ type, metadata, problem: z.prettifyError(error) }]
        })
      })
      expect(problems).toEqual([])
      showsWhatIsWritten(events)
    })

    it("are all served, but for those that have no operation here", () => {
      const known = new Set(Object.keys(auditEventFields))
      expect(Object.keys(contractEvents).filter((type) => !known.has(type))).toEqual([])
      expect(Object.keys(notServed).filter((type) => known.has(type))).toEqual([])
    })
  })
}

/** Metadata of a secret that is encrypted is told of and not told; what was taken away is named as it was. */
function showsWhatIsWritten(events: ReadonlyMap<string, readonly AuditEvent[]>): void {
  const metadataOf = (type: ContractEventType) => events.get(type)?.map((event) => event.metadata) ?? []
  const secretMetadata = [
    { key: "owner", value: "billing", isEncrypted: false },
    { key: "pin", value: "<hidden-by-infisical>", isEncrypted: true },
  ]
  for (const type of ["create-secret", "update-secret"] as const) {
    const written = { secretKey: "A", secretMetadata, secretTags: ["team"] }
    expect(metadataOf(type)).toContainEqual(expect.objectContaining(written))
  }
  const reads = metadataOf("get-secret").filter(({ secretKey }) => secretKey === "A")
  // By name, by id, and the tree of what it refers to.
  expect(reads).toEqual(Array(3).fill(expect.objectContaining({ secretMetadata })))
  expect(JSON.stringify([...events.values()])).not.toContain("canary-of-the-metadata")
  const identity = { name: "build", metadata: [{ key: "team", value: "a" }] }
  expect(metadataOf("delete-identity")).toEqual([expect.objectContaining(identity)])
  expect(metadataOf("delete-identity-project-membership")).toEqual([
    expect.objectContaining({ roles: ["member"] }),
  ])
  const ofUniversalAuth = metadataOf("revoke-identity-universal-auth")
  expect(ofUniversalAuth).toEqual([expect.objectContaining({ accessTokenTTL: 60 })])
  const failures = metadataOf("login-identity-universal-auth-failed").map(({ identityId }) => identityId)
  expect(failures).toEqual([expect.any(String), null])
}
