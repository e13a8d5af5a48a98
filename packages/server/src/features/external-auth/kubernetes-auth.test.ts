import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { aClock } from "@coffer/testkit"
import { afterEach, describe, expect, it } from "vitest"
import { AppError } from "../../errors.ts"
import { KeySets } from "./key-sets.ts"
import { type KubernetesAuth, kubernetesAuth } from "./kubernetes-auth.ts"
import { LoginRefusal } from "./login-refusal.ts"

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

type Asked = {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly authorization: string | undefined
  readonly body: string
}

/** An API server that gives the same answer to every review. */
async function anApiServer(answer: unknown, status = 201) {
  const asked: Asked[] = []
  server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    const { method, url, headers } = request
    asked.push({ method, url, authorization: headers.authorization, body })
    response.statusCode = status
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const review = (status: object) => ({ kind: "TokenReview", status })
const billing = {
  authenticated: true,
  user: { username: "system:serviceaccount:apps:billing" },
  audiences: ["https://kubernetes.default.svc", "coffer"],
}

const open: KubernetesAuth = {
  kubernetesHost: "https://kubernetes.test",
  isHostTrusted: true,
  caCert: "",
  tokenReviewerSealed: null,
  allowedNamespaces: "",
  allowedNames: "",
  allowedAudience: "",
}

/** The subject, or why there is none. */
async function outcome(
  settings: Partial<KubernetesAuth>,
  more: { readonly allowPrivateAddresses?: boolean } = {},
): Promise<string> {
  const context = {
    now: 0,
    keySets: new KeySets(aClock()),
    allowPrivateAddresses: false,
    unseal: (field: string, sealed: string) => `${field} ${sealed}`,
    ...more,
  }
  try {
    return (await kubernetesAuth.prove({ ...open, ...settings }, "the.token.itself", context)).subject
  } catch (error) {
    if (error instanceof LoginRefusal) return `${error.reasonCode} ${error.error.kind}: ${error.message}`
    throw error
  }
}

describe("a review of a service account's token", () => {
  it.for([
    { what: "of one that is none", status: { ...billing, authenticated: false } },
    { what: "that says so in a text", status: { ...billing, authenticated: "true" } },
    { what: "without a verdict", status: { user: billing.user, audiences: billing.audiences } },
    { what: "without anything", status: {} },
  ])("$what lets nobody in", async ({ status }) => {
    const { url } = await anApiServer(review(status))
    expect(await outcome({ kubernetesHost: url })).toMatch(/^token-not-authenticated unauthenticated/)
  })

  it.for([
    "system:node:worker-1",
    "admin",
    "",
    "system:serviceaccount:apps",
    "system:serviceaccount:apps:",
    "system:serviceaccount::billing",
    "system:serviceaccount:apps:billing:more",
    "x-system:serviceaccount:apps:billing",
    7,
    undefined,
  ])("of %j is not that of a service account", async (username) => {
    const { url } = await anApiServer(review({ ...billing, user: { username } }))
    expect(await outcome({ kubernetesHost: url })).toMatch(/^not-a-service-account unauthenticated/)
  })

  it.for([
    [{}, "apps/billing"],
    [{ allowedNamespaces: "web, apps", allowedNames: "bill*", allowedAudience: "coffer" }, "apps/billing"],
    [{ allowedNamespaces: "app" }, "namespace-not-allowed"],
    [{ allowedNamespaces: "," }, "namespace-not-allowed"],
    [{ allowedNamespaces: "billing" }, "namespace-not-allowed"],
    [{ allowedNames: "apps" }, "name-not-allowed"],
    [{ allowedNames: "billing-2" }, "name-not-allowed"],
    [{ allowedAudience: "cof" }, "audience-not-allowed"],
    [{ allowedAudience: "*" }, "audience-not-allowed"],
  ] as const)("under %j ends with %s", async ([settings, end]) => {
    const { url } = await anApiServer(review(billing))
    expect((await outcome({ kubernetesHost: url, ...settings })).split(" ")[0]).toBe(end)
  })

  it.for([
    undefined,
    null,
    "coffer",
    { coffer: true },
    [],
  ])("with the audiences %j does not show the audience that is asked for", async (audiences) => {
    const { url } = await anApiServer(review({ ...billing, audiences }))
    expect(await outcome({ kubernetesHost: url, allowedAudience: "coffer" })).toMatch(/^audience-not-allowed/)
    expect(await outcome({ kubernetesHost: url })).toBe("apps/billing")
  })

  it("asks one path, as the reviewer if there is one, else as the token itself, and for the audience if one is", async () => {
    const { url, asked } = await anApiServer(review(billing))
    await outcome({ kubernetesHost: url })
    await outcome({
      kubernetesHost: `${url}/clusters/one//`,
      tokenReviewerSealed: "sealed",
      allowedAudience: "coffer",
    })
    const path = "/apis/authentication.k8s.io/v1/tokenreviews"
    const kind = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview" }
    expect(asked.map(({ body, ...one }) => ({ ...one, body: JSON.parse(body) }))).toEqual([
      {
        method: "POST",
        url: path,
        authorization: "Bearer the.token.itself",
        body: { ...kind, spec: { token: "the.token.itself" } },
      },
      {
        method: "POST",
        url: `/clusters/one${path}`,
        authorization: "Bearer reviewer-token sealed",
        body: { ...kind, spec: { token: "the.token.itself", audiences: ["coffer"] } },
      },
    ])
  })

  it.for([
    { answer: review(billing), status: 200, end: /^apps\/billing$/ },
    { answer: review(billing), status: 202, end: /^provider-unavailable unavailable: .* with 202$/ },
    { answer: review(billing), status: 500, end: /^provider-unavailable unavailable: .* with 500$/ },
    { answer: "<html>", status: 201, end: /^provider-unavailable unavailable: .* with 201$/ },
    { answer: "null", status: 201, end: /^token-not-authenticated/ },
    { answer: { status: null }, status: 201, end: /^token-not-authenticated/ },
    { answer: "x".repeat(70_000), status: 201, end: /^provider-unavailable .* larger than 65536 bytes$/ },
    { answer: "", status: 307, end: /^provider-unavailable .* redirect/ },
    { answer: "", status: 401, end: /^review-refused unauthenticated: The token is not known/ },
    { answer: "", status: 403, end: /^review-refused unauthenticated: The token may not review/ },
  ])("that is answered with $status and $answer ends as it should", async ({ answer, status, end }) => {
    const { url } = await anApiServer(answer, status)
    expect(await outcome({ kubernetesHost: url })).toMatch(end)
  })

  it("that the reviewer may not make says so of the reviewer", async () => {
    const { url } = await anApiServer("", 403)
    expect(await outcome({ kubernetesHost: url, tokenReviewerSealed: "sealed" })).toMatch(
      /The reviewer's token may not review tokens$/,
    )
  })

  it.for([
    { isHostTrusted: true, allowPrivateAddresses: false, isAsked: true },
    { isHostTrusted: undefined, allowPrivateAddresses: false, isAsked: true },
    { isHostTrusted: false, allowPrivateAddresses: true, isAsked: true },
    { isHostTrusted: false, allowPrivateAddresses: false, isAsked: false },
  ])("goes to a private address: $isAsked, with trust $isHostTrusted and the setting $allowPrivateAddresses", async ({
    isHostTrusted,
    allowPrivateAddresses,
    isAsked,
  }) => {
    const { url, asked } = await anApiServer(review(billing))
    const { isHostTrusted: _, ...rest } = open
    const settings = {
      ...rest,
      kubernetesHost: url,
      ...(isHostTrusted === undefined ? {} : { isHostTrusted }),
    }
    const context = { now: 0, keySets: new KeySets(aClock()), allowPrivateAddresses, unseal: () => "" }
    const proving = kubernetesAuth.prove(settings, "the.token.itself", context)
    if (isAsked) expect(await proving).toEqual({ subject: "apps/billing" })
    else await expect(proving).rejects.toThrow(/not public.*administrator of the organization/)
    expect(asked).toHaveLength(isAsked ? 1 : 0)
  })
})

describe("settings of Kubernetes auth", () => {
  const host = "https://kubernetes.test"
  const seal = (field: string, text: string) => `sealed ${field} ${text}`
  const settle = (wanted: object, old?: KubernetesAuth, isAdministrator = false) =>
    kubernetesAuth.settingsOf(wanted, old, { seal, isAdministrator })

  it.for([
    {
      what: "an administrator who names it",
      wanted: { kubernetesHost: host },
      isAdministrator: true,
      is: true,
    },
    { what: "a member who names it", wanted: { kubernetesHost: host }, isAdministrator: false, is: false },
    {
      what: "a member who names another one than the trusted",
      wanted: { kubernetesHost: "https://other.test" },
      old: { ...open, isHostTrusted: true },
      isAdministrator: false,
      is: false,
    },
    {
      what: "a member who names the trusted one again",
      wanted: { kubernetesHost: host },
      old: { ...open, isHostTrusted: true },
      isAdministrator: false,
      is: true,
    },
    {
      what: "a member who leaves the trusted one",
      wanted: {},
      old: { ...open, isHostTrusted: true },
      isAdministrator: false,
      is: true,
    },
    {
      what: "an administrator who leaves one that nobody trusted",
      wanted: { allowedNames: "x" },
      old: { ...open, isHostTrusted: false },
      isAdministrator: true,
      is: false,
    },
    {
      what: "a member who names again one that nobody trusted",
      wanted: { kubernetesHost: host },
      old: { ...open, isHostTrusted: false },
      isAdministrator: false,
      is: false,
    },
    {
      what: "an administrator who names again one that nobody trusted",
      wanted: { kubernetesHost: host },
      old: { ...open, isHostTrusted: false },
      isAdministrator: true,
      is: true,
    },
  ])("the host is trusted: $is, by $what", ({ wanted, old, isAdministrator, is }) => {
    expect(settle(wanted, old, isAdministrator).isHostTrusted).toBe(is)
  })

  it("need a host, keep what is not named, and are open where nothing was ever said", () => {
    expect(() => settle({})).toThrow(AppError)
    const bound = {
      caCert: "PEM",
      allowedNamespaces: "apps",
      allowedNames: "billing",
      allowedAudience: "coffer",
    }
    const first = settle({ kubernetesHost: host, tokenReviewerJwt: "jwt", ...bound })
    const kept = { ...bound, kubernetesHost: host, tokenReviewerSealed: "sealed reviewer-token jwt" }
    expect(first).toMatchObject(kept)
    expect(settle({}, first)).toMatchObject(kept)
    for (const elsewhere of [{ kubernetesHost: "https://other.test" }, { caCert: "OTHER" }]) {
      expect(() => settle(elsewhere, first)).toThrow(/^tokenReviewerJwt is needed/)
    }
    const emptied = { caCert: "", allowedNamespaces: "", allowedNames: "", allowedAudience: "" }
    expect(settle({ ...emptied, tokenReviewerJwt: null }, first)).toMatchObject({
      ...emptied,
      tokenReviewerSealed: null,
    })
    expect(settle({ kubernetesHost: host })).toMatchObject({ ...emptied, tokenReviewerSealed: null })
  })

  it("tell the audit log what they bind, and no token", () => {
    const settings = settle({ kubernetesHost: host, tokenReviewerJwt: "jwt", allowedNames: "billing" })
    const method = { settings } as Parameters<NonNullable<typeof kubernetesAuth.shownOf>>[0]
    expect(kubernetesAuth.shownOf?.(method)).toEqual({
      kubernetesHost: host,
      allowedNamespaces: "",
      allowedNames: "billing",
      allowedAudience: "",
    })
  })
})
