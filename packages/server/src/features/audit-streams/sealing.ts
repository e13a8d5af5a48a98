/** A destination may hold credentials, in its address or in a header, so all of it is sealed for its stream. */
import type { AuditStreamDestination } from "@coffer/contract"
import type { Keyring } from "../../keyring/keyring.ts"
import type { StreamRecord } from "./store.ts"

type Named = Pick<StreamRecord, "orgId" | "id">

export function sealDestination(
  { records }: Keyring,
  { orgId, id: recordId }: Named,
  destination: AuditStreamDestination,
): Uint8Array {
  const address = { orgId, recordId, field: "audit-stream:destination" }
  return records.seal(address, JSON.stringify(destination))
}

/** @throws AppError "unavailable" when the sealed bytes are not those of this stream */
export function openDestination({ records }: Keyring, stream: StreamRecord): AuditStreamDestination {
  const address = { orgId: stream.orgId, recordId: stream.id, field: "audit-stream:destination" }
  return JSON.parse(records.open(address, stream.destinationSealed)) as AuditStreamDestination
}

/** What may be shown of a destination: neither path nor query, where a credential may be. */
export function targetOf(destination: AuditStreamDestination): string {
  if (destination.kind === "http") return new URL(destination.url).origin
  const { protocol, host, port } = destination
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`
}
