/**
 * The kubeconfig file format (`v1 Config`), as far as static configurations use it:
 *
 *     current-context: c
 *     contexts: [{ name: c, context: { cluster: k, user: u, namespace: n } }]
 *     clusters: [{ name: k, cluster: { server, certificate-authority[-data], ... } }]
 *     users:    [{ name: u, user: { token, tokenFile, client-certificate[-data], client-key[-data] } }]
 *
 * https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
import { KubeconfigError } from "./errors.ts"

export interface ClusterFields {
  server?: string
  "certificate-authority"?: string
  "certificate-authority-data"?: string
  "insecure-skip-tls-verify"?: boolean
  "tls-server-name"?: string
  "proxy-url"?: string
}

export interface UserFields {
  token?: string
  tokenFile?: string
  "client-certificate"?: string
  "client-certificate-data"?: string
  "client-key"?: string
  "client-key-data"?: string
}

interface ContextFields {
  cluster?: string
  user?: string
  namespace?: string
}

/** One named entry and the file it stands in: relative paths count from there. */
interface Entry<F> {
  readonly source: string
  readonly fields: F
}

export interface KubeconfigDocument {
  readonly source: string
  readonly currentContext: string | undefined
  readonly contexts: ReadonlyMap<string, Entry<ContextFields>>
  readonly clusters: ReadonlyMap<string, Entry<ClusterFields>>
  readonly users: ReadonlyMap<string, Entry<UserFields>>
}

export interface Selected {
  readonly description: string
  readonly namespace: string | undefined
  readonly cluster: Entry<ClusterFields>
  readonly user: Entry<UserFields>
}

const UNSUPPORTED_USER_FIELDS = ["exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups"]

/** Throws KubeconfigError for text that is not a kubeconfig. The YAML parser is loaded only here. */
export async function parseDocument(text: string, source: string): Promise<KubeconfigDocument> {
  const { parse } = await import("yaml")
  let root: unknown
  try {
    root = parse(text)
  } catch {
    // The parser's message quotes the text, which may hold a token.
    throw new KubeconfigError(`${source} is not valid YAML`)
  }
  if (!isRecord(root)) throw new KubeconfigError(`${source} is not a kubeconfig`)
  const currentContext = root["current-context"]
  return {
    source,
    currentContext: typeof currentContext === "string" && currentContext !== "" ? currentContext : undefined,
    contexts: entries(root, { list: "contexts", item: "context", source }),
    clusters: entries(root, { list: "clusters", item: "cluster", source }),
    users: entries(root, { list: "users", item: "user", source }),
  }
}

/** As kubectl merges KUBECONFIG: the first file that names an entry defines it. */
export function mergeDocuments(documents: readonly KubeconfigDocument[]): KubeconfigDocument {
  const reversed = [...documents].reverse()
  return {
    source: documents.map((document) => document.source).join(", "),
    currentContext: documents.find((document) => document.currentContext)?.currentContext,
    contexts: new Map(reversed.flatMap((document) => [...document.contexts])),
    clusters: new Map(reversed.flatMap((document) => [...document.clusters])),
    users: new Map(reversed.flatMap((document) => [...document.users])),
  }
}

/** Follows a context to its cluster and user; says what is missing and what there is instead. */
export function selectContext(document: KubeconfigDocument, wanted: string | undefined): Selected {
  const name = wanted ?? document.currentContext
  if (name === undefined) {
    throw new KubeconfigError(`${document.source} has no current-context; ${offer(document.contexts)}`)
  }
  const context = document.contexts.get(name)
  if (!context) {
    throw new KubeconfigError(`${document.source} has no context "${name}"; ${offer(document.contexts)}`)
  }
  const description = `${context.source}, context "${name}"`
  const cluster = document.clusters.get(context.fields.cluster ?? "")
  if (!cluster) throw new KubeconfigError(`${description}: no cluster "${context.fields.cluster ?? ""}"`)
  const userName = context.fields.user
  const user = userName ? document.users.get(userName) : { source: context.source, fields: {} }
  if (!user) throw new KubeconfigError(`${description}: no user "${userName}"`)
  refuseUnsupported(user.fields, `${description}, user "${userName ?? ""}"`)
  return { description, namespace: context.fields.namespace, cluster, user }
}

function refuseUnsupported(user: object, description: string): void {
  const found = UNSUPPORTED_USER_FIELDS.find((field) => field in user)
  if (found === undefined) return
  throw new KubeconfigError(
    `${description}: "${found}" is not supported; use a token, a token file or a client certificate`,
  )
}

function entries<F extends object>(
  root: Record<string, unknown>,
  where: { list: string; item: string; source: string },
): Map<string, Entry<F>> {
  const list = root[where.list] ?? []
  if (!Array.isArray(list)) throw new KubeconfigError(`${where.source}: ${where.list} is not a list`)
  const result = new Map<string, Entry<F>>()
  for (const element of list) {
    if (!isRecord(element) || typeof element["name"] !== "string") {
      throw new KubeconfigError(`${where.source}: an entry of ${where.list} has no name`)
    }
    const fields = element[where.item] ?? {}
    if (!isRecord(fields)) {
      throw new KubeconfigError(`${where.source}: ${where.list} "${element["name"]}" has no ${where.item}`)
    }
    if (!result.has(element["name"])) {
      result.set(element["name"], {
        source: where.source,
        fields: checkTypes<F>(fields, element["name"], where),
      })
    }
  }
  return result
}

/** Every field we read is a text, except for one switch; anything else is told by name, never by value. */
function checkTypes<F extends object>(
  fields: Record<string, unknown>,
  name: string,
  where: { list: string; source: string },
): F {
  for (const [field, value] of Object.entries(fields)) {
    if (value === null || value === "") delete fields[field]
    const mustBeText = !["insecure-skip-tls-verify", "extensions", ...UNSUPPORTED_USER_FIELDS].includes(field)
    if (mustBeText && value !== null && typeof value === "object") {
      throw new KubeconfigError(`${where.source}: ${where.list} "${name}": ${field} must be a text`)
    }
    if (mustBeText && (typeof value === "number" || typeof value === "boolean")) fields[field] = String(value)
  }
  return fields as F
}

function offer(contexts: ReadonlyMap<string, unknown>): string {
  const names = [...contexts.keys()].slice(0, 10)
  return names.length === 0 ? "it has no contexts" : `it has: ${names.join(", ")}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
