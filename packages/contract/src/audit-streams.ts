/** Streams that publish the audit log elsewhere; Coffer's own routes. */
import { z } from "zod"
import { id, requiredText, text, timestamp } from "./fields.ts"

const name = requiredText.max(64)

/** Checked without quoting it: an address may hold a credential. */
const url = text
  .max(2_048)
  .refine((value) => isHttpUrl(value), "must be an absolute http or https URL without user name and password")

function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return /^https?:$/.test(protocol) && username === "" && password === ""
}

/** Headers that say what the body is or how it is sent are ours. */
const reservedHeaders =
  /^(host|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect|x-coffer-.*)$/i

const httpDestination = z.strictObject({
  kind: z.literal("http"),
  url,
  /** Lines of JSON, or one object `{"records": [...]}`. */
  format: z.enum(["ndjson", "json"]).default("ndjson"),
  /** A header that carries a credential; its value is sealed and never shown again. */
  header: z
    .strictObject({
      name: requiredText
        .max(128)
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be the name of a header")
        .refine((value) => !reservedHeaders.test(value), "must not be a header that the stream sets itself"),
      value: z
        .string()
        .min(1)
        .max(4_096)
        .regex(/^[\x20-\x7e]*$/, "must be printable ASCII"),
    })
    .optional(),
})

const syslogDestination = z.strictObject({
  kind: z.literal("syslog"),
  host: requiredText.max(253).regex(/^[A-Za-z0-9.:_-]+$/, "must be a host name or an IP address"),
  port: z.int().min(1).max(65_535),
  protocol: z.enum(["tls", "tcp", "udp"]).default("tls"),
  /** PEM; the authorities that may have signed the receiver's certificate, instead of the system's. */
  caCertificate: text
    .max(64 * 1024)
    .refine((pem) => pem.includes("-----BEGIN CERTIFICATE-----"), "must be a PEM certificate")
    .optional(),
})

const destination = z.discriminatedUnion("kind", [httpDestination, syslogDestination], {
  error:
    "kind must be 'http' or 'syslog'; files and standard output are set in the server's configuration only",
})
export type AuditStreamDestination = z.output<typeof destination>

export const createAuditStreamBody = z.strictObject({
  name,
  destination,
  isEnabled: z.boolean().default(true),
})
export type CreateAuditStreamBody = z.input<typeof createAuditStreamBody>

export const updateAuditStreamBody = z.strictObject({
  name: name.optional(),
  destination: destination.optional(),
  isEnabled: z.boolean().optional(),
})
export type UpdateAuditStreamBody = z.input<typeof updateAuditStreamBody>

export const auditStreamAnswer = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(["http", "syslog", "file", "stdout"]),
  /** Where it goes, without path, query and credential. */
  target: z.string(),
  isEnabled: z.boolean(),
  /** Set by the server's configuration, and not to be changed here. */
  isConfigured: z.boolean(),
  createdAt: timestamp.nullable(),
  updatedAt: timestamp.nullable(),
  health: z.object({
    state: z.enum(["ok", "failing", "disabled"]),
    /** What went wrong the last time. */
    problem: z.string().nullable(),
    problemAt: timestamp.nullable(),
    deliveredAt: timestamp.nullable(),
    /** Events of the whole log that this stream has not gone through yet. */
    lag: z.int(),
    /** When the oldest of them happened. */
    oldestUndeliveredAt: timestamp.nullable(),
    /** True when that is more than an hour ago: events are removed a week after their retention, delivered or not. */
    isBehind: z.boolean(),
  }),
})
export type AuditStreamAnswer = z.infer<typeof auditStreamAnswer>

export const oneAuditStreamAnswer = z.object({ auditStream: auditStreamAnswer })
export const auditStreamListAnswer = z.object({ auditStreams: z.array(auditStreamAnswer) })

export const auditStreamTestAnswer = z.object({
  test: z.object({ isDelivered: z.boolean(), problem: z.string().nullable() }),
})
export const deletedAuditStreamAnswer = z.object({ auditStream: z.object({ id, name: z.string() }) })
