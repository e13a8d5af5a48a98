import { describe, expect, it } from "vitest"
import { z } from "zod"
import { AppError } from "../errors.ts"
import { mapError } from "./error-mapper.ts"
import { etagOf, matchesEtag } from "./etag.ts"
import { parseInput } from "./input.ts"
import { parseJsonBody } from "./json-body.ts"
import { createRequestIds } from "./request-id.ts"
import { userAgentType } from "./request-source.ts"

describe("request ids", () => {
  it("are req- and fourteen alphanumerics, and differ", () => {
    let counter = 0
    const byte = () => {
      counter += 7
      return counter % 256
    }
    const bytes = (size: number) => Uint8Array.from({ length: size }, byte)
    const next = createRequestIds({ bytes, uuid: () => "" })
    const ids = Array.from({ length: 600 }, next)
    expect(ids.every((id) => /^req-[A-Za-z0-9]{14}$/.test(id))).toBe(true)
    expect(new Set(ids.slice(0, 100)).size).toBeGreaterThan(50)
  })
})

describe("bodies", () => {
  it.for([
    { text: "", body: undefined },
    { text: "  ", body: undefined },
    { text: '{"a":[{}]}', body: { a: [{}] } },
    { text: '"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["', body: "[".repeat(40) },
  ])("$text is understood", ({ text, body }) => {
    expect(parseJsonBody(text)).toEqual(body)
  })

  it.for([
    "{",
    '{"a":sEcReT}',
    `${"[".repeat(33)}${"]".repeat(33)}`,
    '"\\',
  ])("%s is refused and not quoted", (text) => {
    expect(() => parseJsonBody(text)).toThrow(AppError)
    expect(() => parseJsonBody(text)).not.toThrow(/sEcReT/)
  })
})

describe("input", () => {
  it("names every wrong field and no value", () => {
    const schema = z.object({ port: z.int(), name: z.string().max(3), tags: z.array(z.enum(["a"])) })
    const attempt = () => parseInput(schema, { port: "sEcReT", name: "sEcReT", tags: ["sEcReT"] }, "body")
    expect(attempt).toThrow(/body\.port: .*body\.name: .*body\.tags\.0: /)
    expect(attempt).not.toThrow(/sEcReT/)
    try {
      attempt()
    } catch (error) {
      const { body } = mapError(error, "req-1")
      expect(body).toMatchObject({ statusCode: 422, error: "ValidationFailure" })
      expect(body.details).toMatchObject([{ path: ["port"] }, { path: ["name"] }, { path: ["tags", 0] }])
      expect(JSON.stringify(body)).not.toContain("sEcReT")
    }
  })
})

describe("errors", () => {
  it("show nothing of what was not foreseen", () => {
    const mapped = mapError(new Error("password=hunter2"), "req-1")
    expect(mapped).toMatchObject({
      isOurFault: true,
      body: { statusCode: 500, message: "Something went wrong", error: "InternalServerError" },
    })
    expect(mapError("a string", "req-1").body.statusCode).toBe(500)
  })

  it("carry the contract's fields, details only where there are some", () => {
    const { body } = mapError(new AppError("not-found", "NotFound", "Gone"), "req-1")
    expect(body).toEqual({ reqId: "req-1", statusCode: 404, message: "Gone", error: "NotFound" })
  })
})

describe("validators", () => {
  it("differ by every part and match in every spelling", () => {
    const etag = etagOf("a", "b")
    expect(etag).not.toBe(etagOf("a", "c"))
    for (const header of [etag, `W/${etag}`, `"x", ${etag}`, "*"])
      expect(matchesEtag(header, etag)).toBe(true)
    for (const header of [undefined, "", '"x"', etag.slice(1, -1)])
      expect(matchesEtag(header, etag)).toBe(false)
  })
})

describe("user agents", () => {
  it.for([
    ["cli", "cli"],
    ["k8-operator/1.2", "k8-operator"],
    ["Mozilla/5.0", "web"],
    ["infisical-go-sdk", "other"],
    ["", "other"],
  ])("%s is %s", ([agent = "", type]) => {
    expect(userAgentType(agent)).toBe(type)
  })
})
