import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { uuidBytes } from "../uuid.ts"
import type { AuditEvent } from "./audit-event.ts"
import { derivedColumnsOf, leafHash, pendingEventOf, recordOf } from "./audit-record.ts"

const logId = "00112233-4455-4677-8899-aabbccddeeff"
const log = { id: logId, idBytes: uuidBytes(logId) }
const event: AuditEvent = {
  id: "event-1",
  at: 1_700_000_000_000,
  type: "get-secret",
  orgId: "org-1",
  projectId: "project-1",
  actor: { type: "identity", id: "identity-1", name: "ci", authMethod: "universal-auth" },
  source: { ipAddress: "127.0.0.1", userAgent: "cli", userAgentType: "cli", requestId: "req-1" },
  metadata: { secretKey: "KÄY" },
}
const ofEvent =
  '"id":"event-1","at":1700000000000,"type":"get-secret","orgId":"org-1","projectId":"project-1"'
const ofActor = '"actor":{"type":"identity","id":"identity-1","name":"ci","authMethod":"universal-auth"}'
const ofSource =
  '"source":{"ipAddress":"127.0.0.1","userAgent":"cli","userAgentType":"cli","requestId":"req-1"}'
const body = `{"v":1,"log":"${logId}","seq":258,${ofEvent},${ofActor},${ofSource},"metadata":{"secretKey":"KÄY"}}`

const sha256 = (hex: string) => createHash("sha256").update(Buffer.from(hex, "hex")).digest()

// Logs that were written by an earlier Coffer, and exports that others check, stand on these bytes.
describe("an event in the log", () => {
  it("is hashed as a leaf: a zero byte, the log, the sequence number, the body in UTF-8", () => {
    const prefix = "0000112233445546778899aabbccddeeff"
    expect(leafHash(log.idBytes, 258, "{}")).toEqual(sha256(`${prefix}00000000000001027b7d`))
    expect(leafHash(log.idBytes, 2 ** 32 + 5, "é")).toEqual(sha256(`${prefix}0000000100000005c3a9`))
  })

  it("tells everything of what happened, in one order of keys", () => {
    const record = recordOf(log, 258, pendingEventOf(event))
    expect(record.body).toBe(body)
    expect(record.leafHash).toEqual(leafHash(log.idBytes, 258, body))
    expect(recordOf(log, 0, pendingEventOf({ ...event, actor: { type: "platform" } })).body).toContain(
      ',"actor":{"type":"platform"},"source"',
    )
  })

  it("has columns that say what its body says", () => {
    const { body: _body, leafHash: _leaf, ...columns } = recordOf(log, 258, pendingEventOf(event))
    const { id, at, type, orgId, projectId } = event
    const actor = { actorType: "identity", actorId: "identity-1" }
    expect(columns).toEqual({ seq: 258, id, at, type, orgId, projectId, ...actor })
    expect(derivedColumnsOf(logId, body)).toEqual(columns)
    expect(derivedColumnsOf(logId, body.replace(ofActor, '"actor":{"type":"platform"}'))).toMatchObject({
      actorType: "platform",
      actorId: null,
    })
  })

  it.for([
    { what: "of another log", of: body.replace(logId, "00112233-4455-4677-8899-aabbccddeef0") },
    { what: "of another version", of: body.replace('"v":1', '"v":2') },
    { what: "without a version", of: body.replace('"v":1,', "") },
    { what: "without an actor", of: body.replace(`${ofActor},`, "") },
    { what: "with no actor", of: body.replace(ofActor, '"actor":null') },
    { what: "with a text as its actor", of: body.replace(ofActor, '"actor":"ci"') },
    { what: "that is no object", of: "7" },
    { what: "that is null", of: "null" },
    { what: "that is no JSON", of: "{" },
  ])("is not what a body $what holds", ({ of }) => {
    expect(of).not.toBe(body)
    expect(derivedColumnsOf(logId, of)).toBeUndefined()
  })

  it("is refused beyond its largest size, before it joins others", () => {
    const sizeOf = (text: string) => pendingEventOf({ ...event, metadata: { text } }).bodyTail.length
    const room = 256 * 1024 - sizeOf("")
    expect(sizeOf("x".repeat(room))).toBe(256 * 1024)
    const tooLarge = {
      kind: "invalid",
      message: expect.stringMatching(/larger than 262144 characters; ask for less/),
    }
    expect(() => sizeOf("x".repeat(room + 1))).toThrow(expect.objectContaining(tooLarge))
  })
})
