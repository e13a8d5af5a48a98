/**
 * Everything an ExternalSecret asks for, out of its stores: all `dataFrom` entries in order, then all `data` entries;
 * later ones win. All or nothing: the first error ends it, with the entry's place in the text.
 */
import type { DataEntry, DataFromEntry, Find, RemoteRef, StoreRef } from "../../api/external-secret.ts"
import type { ExternalSecret } from "../../api/resources.ts"
import { checkNullBytes, decodeValue, decodeValues } from "../../data/decoding.ts"
import { convertKeys, type SecretData, validateKeys } from "../../data/keys.ts"
import { rewriteKeys } from "../../data/rewrite.ts"
import {
  NoSecretError,
  ProviderBusyError,
  type ReadContext,
  type StoreClient,
} from "../../providers/provider.ts"
import { deletionPolicyOf, storeRefOf } from "./spec.ts"

/** Why the data could not be had: text for the event, and the pause that the provider asked for. */
export class FetchError extends Error {
  readonly retryAfterMs: number | undefined
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.retryAfterMs = cause instanceof ProviderBusyError ? cause.retryAfterMs : undefined
  }
}

export type Fetched = {
  readonly data: SecretData
  /** Where a secret was missing and the policy allows that. */
  readonly missing: readonly string[]
}

export type OpenStore = (ref: StoreRef, context: ReadContext) => Promise<StoreClient>

/** Throws {@link FetchError}. */
export async function fetchData(
  externalSecret: ExternalSecret,
  open: OpenStore,
  context: ReadContext,
): Promise<Fetched> {
  const openOnce = once(open, context)
  const data = new Map<string, Uint8Array>()
  const missing: string[] = []
  const attempt = async (where: string, place: string, work: () => Promise<SecretData>) => {
    try {
      for (const [key, value] of await work()) data.set(key, value)
    } catch (error) {
      context.signal.throwIfAborted()
      if (error instanceof NoSecretError && deletionPolicyOf(externalSecret) !== "Retain") missing.push(place)
      else throw new FetchError(`error processing ${where}, err: ${textOf(error)}`, error)
    }
  }
  for (const [index, entry] of (externalSecret.spec?.dataFrom ?? []).entries()) {
    const open = () => openOnce(storeRefOf(externalSecret, entry.sourceRef?.storeRef))
    const where = `spec.dataFrom[${index}].${entry.find ? "find" : "extract"}`
    await attempt(where, `spec.dataFrom[${index}]`, () => fetchMany(entry, open, context))
  }
  for (const [index, entry] of (externalSecret.spec?.data ?? []).entries()) {
    const { key } = entry.remoteRef
    const open = () => openOnce(storeRefOf(externalSecret, entry.sourceRef?.storeRef))
    const place = `spec.dataFrom[${index}] (key=${key})` // existing dashboards match this text, also for spec.data
    await attempt(`spec.data[${index}] (key: ${key})`, place, () => fetchOne(entry, open, context))
  }
  return { data, missing }
}

// One client per store and reconcile, however many entries use it.
function once(open: OpenStore, context: ReadContext): (ref: StoreRef) => Promise<StoreClient> {
  const clients = new Map<string, Promise<StoreClient>>()
  return (ref) => {
    const key = `${ref.kind ?? "SecretStore"}/${ref.name ?? ""}`
    const client = clients.get(key) ?? open(ref, context)
    clients.set(key, client)
    return client
  }
}

async function fetchOne(
  entry: DataEntry,
  open: () => Promise<StoreClient>,
  context: ReadContext,
): Promise<SecretData> {
  const client = await open()
  const { decodingStrategy, nullBytePolicy } = entry.remoteRef
  const value = decodeValue(decodingStrategy, await client.getSecret(entry.remoteRef, context))
  checkNullBytes(nullBytePolicy, entry.secretKey, value)
  return new Map([[entry.secretKey, value]])
}

async function fetchMany(
  entry: DataFromEntry,
  open: () => Promise<StoreClient>,
  context: ReadContext,
): Promise<SecretData> {
  if (entry.find) {
    const found = await findAll(entry.find, await open(), context)
    return refine(entry, entry.find, found)
  }
  if (!entry.extract) return new Map()
  const client = await open()
  return refine(entry, entry.extract, await client.getSecretMap(entry.extract, context))
}

async function findAll(find: Find, client: StoreClient, context: ReadContext): Promise<SecretData> {
  try {
    return await client.findSecrets(find, context)
  } catch (error) {
    if (error instanceof NoSecretError || error instanceof ProviderBusyError) throw error
    throw new Error(`error getting all secrets: ${textOf(error)}`, { cause: error })
  }
}

function refine(entry: DataFromEntry, options: Find | RemoteRef, fetched: SecretData): SecretData {
  const keyed = entry.rewrite?.length
    ? step("error applying rewrite to keys", () => rewriteKeys(entry.rewrite ?? [], fetched))
    : step(`error applying conversion strategy ${options.conversionStrategy ?? "Default"} to keys`, () =>
        convertKeys(fetched, options.conversionStrategy),
      )
  const valid = step("invalid secret keys (TIP: use rewrite or conversionStrategy to change keys)", () =>
    validateKeys(keyed),
  )
  const decoded = step(`error applying decoding strategy ${options.decodingStrategy ?? "None"} to data`, () =>
    decodeValues(options.decodingStrategy, valid),
  )
  for (const [key, value] of decoded) checkNullBytes(options.nullBytePolicy, key, value)
  return decoded
}

function step<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Error(`${what}: ${textOf(error)}`, { cause: error })
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown error"
}
