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

it.for([
  ["Project with slug 'x' not found", "(coffer projects list"],
  ["Environment with slug 'x' in project with ID 1 not found", "(coffer environments list"],
  ["Folder with path '/x' in environment with slug 'dev' not found", "(coffer folders list"],
  ["Group 'x' not found", "(coffer groups list"],
  ["The organization has no OpenID provider", "(coffer sso set"],
] as const)("who named what is not there is told where the names are: %s", ([text, hint]) => {
  const error = new ApiError(text, { kind: "not-found", code: "NotFound" })
  const { message } = describeFailure(error, "coffer secrets")
  expect(message.replaceAll("'", "")).toContain(`${text.replaceAll("'", "")} ${hint}`)
})

it("a secret or an id that is not there is told as the server tells it", () => {
  for (const text of ["Secret with name 'X' not found", "Webhook with ID 'x' not found"]) {
    const error = new ApiError(text, { kind: "not-found", code: "NotFound" })
    expect(describeFailure(error, "coffer secrets get").message).toBe(text)
  }
})
