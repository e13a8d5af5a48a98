import { errorAnswer } from "@coffer/contract"
import { type HostileRequest, textOf, urlOf } from "./request.ts"
import type { Caller, World } from "./world.ts"

const longestWaitMs = 20_000

export type Judged = { readonly status: number; readonly text: string }

/** Sends the request and says what is wrong with the answer; nothing is, if the list is empty. */
export async function judge(
  world: World,
  caller: Caller,
  request: HostileRequest,
): Promise<readonly string[]> {
  const answer = await send(world, caller, request)
  if (answer === undefined) return [`no answer after ${longestWaitMs} ms`]
  return [...problemsOfShape(answer, request), ...problemsOfRights(world, caller, request, answer)].map(
    (problem) => `${problem}: ${answer.status} ${answer.text.slice(0, 400)}`,
  )
}

type Answer = Judged & { readonly contentType: string; readonly requestId: unknown }

async function send(world: World, caller: Caller, request: HostileRequest): Promise<Answer | undefined> {
  const { payload, target } = request
  const token = caller === "nobody" ? undefined : world.tokens[caller]
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(payload === undefined ? {} : { "content-type": "application/json" }),
  }
  const sent = { method: target.route.method, url: urlOf(request), headers, payload }
  const isStream = target.route.description?.answerType === "text/event-stream"
  const answer = isStream ? overSocket(world, sent) : inProcess(world, sent)
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), longestWaitMs)
  const first = await Promise.race([answer, late])
  clearTimeout(timer)
  return first
}

type Sent = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string | undefined
}

async function inProcess({ instance }: World, { method, url, headers, payload }: Sent): Promise<Answer> {
  const answer = await instance.test.app.http.inject({
    method: method as "GET",
    url,
    headers: { host: "localhost", ...headers },
    ...(payload === undefined ? {} : { payload }),
  })
  return {
    status: answer.statusCode,
    text: answer.body,
    contentType: String(answer.headers["content-type"] ?? ""),
    requestId: answer.headers["x-request-id"],
  }
}

/** Streams have no end: once one is open the request has been answered. */
async function overSocket(world: World, { method, url, headers, payload }: Sent): Promise<Answer> {
  const ending = new AbortController()
  const answer = await fetch(`${await world.address()}${url}`, {
    method,
    headers,
    body: method === "GET" ? null : (payload ?? null),
    signal: ending.signal,
  })
  const contentType = answer.headers.get("content-type") ?? ""
  const isOpen = contentType.startsWith("text/event-stream")
  const text = isOpen ? "" : await answer.text()
  if (isOpen) ending.abort()
  return { status: answer.status, text, contentType, requestId: answer.headers.get("x-request-id") }
}

/** Never a failure of ours; every refusal in the contract's body; every success as its schema says. */
function problemsOfShape(answer: Answer, { target }: HostileRequest): readonly string[] {
  const { status, text, contentType, requestId } = answer
  if (status >= 500) return ["the server failed"]
  if (status >= 400) {
    const error = errorAnswer.safeParse(parsed(text))
    if (!error.success) return ["a refusal without the standard body"]
    const isWhole = error.data.statusCode === status && error.data.reqId === requestId
    return isWhole && contentType.startsWith("application/json")
      ? []
      : ["a refusal that contradicts its head"]
  }
  const schema = target.route.description?.answer
  if (schema === undefined || !contentType.startsWith("application/json")) return []
  const checked = schema.safeParse(parsed(text))
  return checked.success ? [] : [`an answer that its schema does not describe (${checked.error.message})`]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: no schema describes it
  }
}

function problemsOfRights(
  world: World,
  caller: Caller,
  request: HostileRequest,
  { status, text }: Answer,
): readonly string[] {
  if (caller === "admin") return []
  const problems: string[] = []
  const secret = caller === "viewer" ? world.hidden : world.canaries
  if (secret.some((one) => text.includes(one))) problems.push(`${caller} sees what it may not`)
  if (caller === "viewer") return problems
  const isOpen = request.target.route.description?.access === "open"
  if (caller === "nobody" && !isOpen && status !== 401 && status < 400) problems.push("nobody gets in")
  if (isOpen) return problems
  const sent = textOf(request)
  // What a caller has named itself comes back in its own audit log, and in the names of its own things.
  for (const id of world.names.ids) if (sent.includes(id)) world.named.add(id)
  const learned = world.names.ids.filter((id) => text.includes(id) && !world.named.has(id))
  if (learned.length > 0) problems.push(`${caller} learns ids of another organization`)
  // Groups are found by name too, and a caller may have given that name to one of its own.
  const foreign = world.names.ids.filter((id) => !world.given.has(id))
  if (status < 400) for (const id of foreign) if (request.payload?.includes(id)) world.given.add(id)
  const isNamed = foreign.some((id) => Object.values(request.params).includes(id))
  if (status < 400 && isNamed) problems.push(`${caller} gets a thing of another organization`)
  return problems
}
