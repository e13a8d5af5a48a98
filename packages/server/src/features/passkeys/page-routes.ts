import {
  addPasskeyOptionsAnswer,
  addPasskeyOptionsBody,
  addPasskeyQuery,
  commandLoginQuery,
  commandTokenBody,
  loginAnswer,
  passkeyCodeAnswer,
  passkeyCodeBody,
  passkeyPagesAnswer,
} from "@coffer/contract"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { AppError } from "../../errors.ts"
import { describeHandler, openEndpoint, type PageAnswer, pageEndpoint } from "../../http/index.ts"
import { checkOf, commandUrl } from "../command-logins/index.ts"
import { additionOptions, exchangeCode, giveCode, passkeyPages } from "./command.ts"
import { passkeyPageFile } from "./page-files.ts"
import { addPage, loginPage, pagePolicy, refusalPage } from "./pages.ts"
import { siteHost } from "./relying-party.ts"
import type { PasskeyDeps } from "./service.ts"

/** The pages that ask a browser for a passkey, for a command that waits; and what the pages and the command ask. */
export function passkeyPageRoutes(app: FastifyInstance, deps: PasskeyDeps): void {
  pageRoutes(app, deps)
  callsOfPages(app, deps)
  app.get(
    "/coffer/v1/auth/passkey",
    openEndpoint(
      { summary: "Where a browser uses passkeys for a command", answer: passkeyPagesAnswer },
      async ({ request }) => passkeyPages(deps, siteHost(request.headers)),
    ),
  )
  app.post(
    "/coffer/v1/auth/passkey/command-token",
    openEndpoint(
      {
        summary: "Exchange the code that a passkey gave a command for an access token",
        body: commandTokenBody,
        answer: loginAnswer,
      },
      async ({ body, source }) => ({ accessToken: await exchangeCode(deps, source, body) }),
    ),
  )
}

function pageRoutes(app: FastifyInstance, deps: PasskeyDeps): void {
  app.get(
    "/coffer/v1/auth/passkey/command-login",
    pageEndpoint(
      { summary: "A page to log a command in with a passkey", query: commandLoginQuery },
      async ({ request, query }) =>
        pageOf(() =>
          loginPage({
            url: passkeyPages(deps, siteHost(request.headers)).commandLoginUrl,
            check: checkOf(query),
            cancelUrl: commandUrl(query, { error: "cancelled" }),
          }),
        ),
    ),
  )
  app.get(
    "/coffer/v1/auth/passkey/add",
    pageEndpoint(
      { summary: "A page to make a passkey that a command adds", query: addPasskeyQuery },
      async ({ request, query }) =>
        pageOf(() =>
          addPage({
            url: passkeyPages(deps, siteHost(request.headers)).addPasskeyUrl,
            returnUrl: commandUrl(query, {}),
            cancelUrl: commandUrl(query, { error: "cancelled" }),
          }),
        ),
    ),
  )
  app.get("/coffer/v1/auth/passkey/files/:name", describeHandler(showFile, fileDescription))
}

/** A refusal is shown as a page: it is a person who has opened it. */
function pageOf(make: () => string): PageAnswer {
  try {
    return { status: 200, html: make(), policy: pagePolicy }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { status: 400, html: refusalPage(error.message), policy: pagePolicy }
  }
}

const fileDescription = {
  access: "open",
  summary: "A file of the pages for passkeys",
  answerType: "text/javascript",
} as const

async function showFile(request: FastifyRequest, reply: FastifyReply) {
  const { name = "" } = request.params as Readonly<Record<string, string>>
  const file = passkeyPageFile(name)
  if (file === undefined)
    throw new AppError("not-found", "NotFound", "The pages for passkeys have no such file")
  return reply.header("content-type", file.contentType).send(file.content)
}

function callsOfPages(app: FastifyInstance, deps: PasskeyDeps): void {
  app.post(
    "/coffer/v1/auth/passkey/command-code",
    openEndpoint(
      {
        summary: "Get a code for a command that waits, by a passkey",
        body: passkeyCodeBody,
        answer: passkeyCodeAnswer,
      },
      async ({ body, source, request }) => {
        const { challengeToken, response, command } = body
        const answer = { challengeToken, response, host: siteHost(request.headers) }
        const { email, code } = await giveCode(deps, source, answer, command.challenge)
        return { email, commandUrl: commandUrl(command, { code }) }
      },
    ),
  )
  app.post(
    "/coffer/v1/auth/passkey/add-options",
    openEndpoint(
      {
        summary: "What a browser is asked for a passkey that a command adds",
        body: addPasskeyOptionsBody,
        answer: addPasskeyOptionsAnswer,
      },
      ({ body, request }) => additionOptions(deps, body.ticket, siteHost(request.headers)),
    ),
  )
}
