import { ApiError } from "@coffer/client"
import { expect, it } from "vitest"
import { describeFailure } from "./failure.ts"

const facts = { kind: "unauthenticated", code: "UnauthorizedError" } as const

it("who is refused with a token is told how to log in; who is refused while logging in is not told to log in", () => {
  const expired = new ApiError("the token is too old", { ...facts, hadToken: true })
  const message = "the token is too old (log in with 'coffer login', or set INFISICAL_TOKEN)"
  expect(describeFailure(expired, "coffer projects list")).toMatchObject({ kind: "unauthenticated", message })
  const wrongPassword = new ApiError("the password is wrong", { ...facts, hadToken: false })
  expect(describeFailure(wrongPassword, "coffer login")).toMatchObject({ message: "the password is wrong" })
})
