/**
 * Kubernetes auth (contract 2.7): the API server says whose service-account token it is.
 *
 * API servers mostly are at private addresses, so those are allowed without a setting: where an administrator of the
 * organization named the server, and at the API of the cluster that Coffer runs in. A member who may only set up logins
 * could otherwise have the server knock at every door of its network.
 */
import type { KubernetesAuthSettings as Wanted } from "@coffer/contract"
import { AppError } from "../../errors.ts"
import { OutboundError, sendOutbound } from "../../outbound/index.ts"
import { isListed } from "./bound-claims.ts"
import type { ExternalMethod, ProofContext } from "./external-method.ts"
import { reasonOf } from "./key-sets.ts"
import { providerAway, unauthorized } from "./login-refusal.ts"
import { isOwnCluster } from "./own-cluster.ts"

export type KubernetesAuth = {
  readonly kubernetesHost: string
  /** Whether an administrator named the host; absent in settings from before that was asked, which may go on. */
  readonly isHostTrusted?: boolean
  readonly caCert: string
  /** Base64; `null` = the token that logs in reviews itself. */
  readonly tokenReviewerSealed: string | null
  readonly allowedNamespaces: string
  readonly allowedNames: string
  readonly allowedAudience: string
}

const reviewerField = "reviewer-token"
const timeoutMs = 10_000
const maxAnswerBytes = 64 * 1024

export const kubernetesAuth: ExternalMethod<Wanted, KubernetesAuth> = {
  kind: "kubernetes-auth",
  title: "Kubernetes auth",
  permission: "edit-identities",
  shownOf: ({ settings: { kubernetesHost, allowedNamespaces, allowedNames, allowedAudience } }) => ({
    kubernetesHost,
    allowedNamespaces,
    allowedNames,
    allowedAudience,
  }),

  settingsOf(wanted, old, { seal, isAdministrator }) {
    const kubernetesHost = wanted.kubernetesHost ?? old?.kubernetesHost
    if (kubernetesHost === undefined) {
      throw new AppError("invalid", "BadRequest", "kubernetesHost is required: the URL of the API server")
    }
    const caCert = wanted.caCert ?? old?.caCert ?? ""
    const isKept = wanted.kubernetesHost === undefined || wanted.kubernetesHost === old?.kubernetesHost
    const isKnown = isKept && old !== undefined && old.isHostTrusted !== false
    return {
      kubernetesHost,
      isHostTrusted: isKnown || (isAdministrator && wanted.kubernetesHost !== undefined),
      caCert,
      tokenReviewerSealed: reviewerOf(wanted.tokenReviewerJwt, { kubernetesHost, caCert, old, seal }),
      allowedNamespaces: wanted.allowedNamespaces ?? old?.allowedNamespaces ?? "",
      allowedNames: wanted.allowedNames ?? old?.allowedNames ?? "",
      allowedAudience: wanted.allowedAudience ?? old?.allowedAudience ?? "",
    }
  },

  async prove(settings, jwt, context) {
    const status = await review(settings, jwt, context)
    if (status.authenticated !== true) {
      throw unauthorized("token-not-authenticated", "Kubernetes token not authenticated")
    }
    const [, namespace = "", name = ""] =
      /^system:serviceaccount:([^:]+):([^:]+)$/.exec(status.username ?? "") ?? []
    if (name === "") {
      throw unauthorized("not-a-service-account", "Access denied: the token is none of a service account.")
    }
    if (!isListed(settings.allowedNamespaces, namespace)) {
      throw unauthorized("namespace-not-allowed", "Access denied: K8s namespace not allowed.")
    }
    if (!isListed(settings.allowedNames, name)) {
      throw unauthorized("name-not-allowed", "Access denied: K8s name not allowed.")
    }
    const { allowedAudience } = settings
    if (allowedAudience !== "" && !status.audiences.includes(allowedAudience)) {
      throw unauthorized("audience-not-allowed", "Access denied: K8s audience not allowed.")
    }
    return { subject: `${namespace}/${name}` }
  },
}

/** The reviewer's token, sealed. One that was given for a server is not sent to another one. */
function reviewerOf(
  given: string | null | undefined,
  of: Pick<KubernetesAuth, "kubernetesHost" | "caCert"> & {
    readonly old: KubernetesAuth | undefined
    readonly seal: (field: string, text: string) => string
  },
): string | null {
  if (given !== undefined) return given ? of.seal(reviewerField, given) : null
  const kept = of.old?.tokenReviewerSealed ?? null
  const isSameServer = of.old?.kubernetesHost === of.kubernetesHost && of.old.caCert === of.caCert
  if (kept === null || isSameServer) return kept
  throw new AppError(
    "invalid",
    "BadRequest",
    "tokenReviewerJwt is needed with another kubernetesHost or caCert: the one that is kept was given for the server before; an empty one takes it away",
  )
}

type ReviewStatus = {
  readonly authenticated: boolean
  readonly username: string | undefined
  readonly audiences: readonly string[]
}

async function review(settings: KubernetesAuth, jwt: string, context: ProofContext): Promise<ReviewStatus> {
  const { tokenReviewerSealed: sealed, allowedAudience } = settings
  const reviewer = sealed === null ? jwt : context.unseal(reviewerField, sealed)
  const mayBePrivate = settings.isHostTrusted !== false || isOwnCluster(settings.kubernetesHost)
  let answer: Awaited<ReturnType<typeof sendOutbound>>
  try {
    answer = await sendOutbound({
      method: "POST",
      url: reviewUrlOf(settings.kubernetesHost),
      headers: { authorization: `Bearer ${reviewer}`, "content-type": "application/json" },
      body: JSON.stringify({
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token: jwt, ...(allowedAudience === "" ? {} : { audiences: [allowedAudience] }) },
      }),
      timeoutMs,
      maxAnswerBytes,
      allowPrivateAddresses: context.allowPrivateAddresses || mayBePrivate,
      ...(settings.caCert === "" ? {} : { caPem: settings.caCert }),
    })
  } catch (error) {
    const isPrivate = error instanceof OutboundError && error.problem === "private-address"
    const way = isPrivate ? ", and so does an administrator of the organization who sets kubernetesHost" : ""
    throw providerAway(`The Kubernetes API server could not be asked: ${reasonOf(error)}${way}`, error)
  }
  if (answer.status === 401 || answer.status === 403) {
    const whose = sealed === null ? "The token" : "The reviewer's token"
    const what = answer.status === 401 ? "is not known to the Kubernetes API server" : "may not review tokens"
    throw unauthorized("review-refused", `${whose} ${what}`)
  }
  return statusOf(answer)
}

/** Without what would turn the path of a review into another one. */
function reviewUrlOf(kubernetesHost: string): string {
  const url = new URL(kubernetesHost)
  const path = url.pathname.replace(/\/+$/, "")
  return `${url.protocol}//${url.host}${path}/apis/authentication.k8s.io/v1/tokenreviews`
}

function statusOf(answer: { readonly status: number; readonly body: string }): ReviewStatus {
  const away = (cause: unknown) =>
    providerAway(`The Kubernetes API server answered a token review with ${answer.status}`, cause)
  if (answer.status !== 200 && answer.status !== 201) throw away(undefined)
  let review: {
    status?: { authenticated?: unknown; user?: { username?: unknown }; audiences?: unknown }
  } | null
  try {
    review = JSON.parse(answer.body)
  } catch (cause) {
    throw away(cause)
  }
  const status = review?.status
  const username = status?.user?.username
  return {
    authenticated: status?.authenticated === true,
    username: typeof username === "string" ? username : undefined,
    audiences: Array.isArray(status?.audiences) ? status.audiences.map(String) : [],
  }
}
