/** The fake provider: values written in the store itself, for tests and demonstrations. Nothing is ever fetched. */
import { z } from "zod"
import type { Find, RemoteRef } from "../../api/external-secret.ts"
import { convertKeys, type SecretData } from "../../data/keys.ts"
import { compareBytes } from "../../go/object-hash.ts"
import { compileRegexp } from "../../go/regexp.ts"
import { membersOf, propertyOf } from "../json-values.ts"
import {
  NoSecretError,
  type Provider,
  type StoreClient,
  StoreConfigError,
  type Validation,
} from "../provider.ts"

const settingsSchema = z.object({
  data: z
    .array(z.object({ key: z.string(), value: z.string(), version: z.string().default("") }))
    .default([]),
  validationResult: z.int().default(0),
})
type Settings = z.infer<typeof settingsSchema>

export const fakeProvider: Provider = {
  capabilities: "ReadWrite",
  isUnmaintained: true,
  async open(store) {
    const settings = settingsSchema.safeParse(store.settings)
    if (!settings.success) throw new StoreConfigError("the fake provider needs a list of data")
    return clientOf(settings.data)
  },
}

function clientOf(settings: Settings): StoreClient {
  const getSecret = async (ref: RemoteRef): Promise<Uint8Array> => {
    const wanted = `${ref.key}${ref.version ?? ""}`
    const entry = settings.data.findLast(({ key, version }) => `${key}${version}` === wanted)
    if (!entry) throw new NoSecretError()
    const value = utf8(entry.value)
    if (!ref.property) return value
    const property = propertyOf(value, ref.property)
    if (!property) throw new NoSecretError()
    return property
  }
  return {
    validate: async () => validationOf(settings.validationResult),
    getSecret,
    getSecretMap: async (ref) => membersOf(ref.key, await getSecret(ref)),
    findSecrets: async (find) => findAmong(settings, find),
  }
}

function findAmong(settings: Settings, find: Find): SecretData {
  if (!find.name) throw new StoreConfigError("unsupported find operator")
  const regexp = compileRegexp(find.name.regexp ?? "")
  const newest = new Map<string, { value: string; version: string }>()
  for (const { key, value, version } of settings.data) {
    const known = newest.get(key)
    if (regexp.test(key) && (!known || compareBytes(version, known.version) >= 0))
      newest.set(key, { value, version })
  }
  return convertKeys(
    new Map([...newest].map(([key, { value }]) => [key, utf8(value)])),
    find.conversionStrategy,
  )
}

function validationOf(result: number): Validation {
  if (result === 0) return { kind: "ready" }
  if (result === 1) return { kind: "unknown" }
  return { kind: "failed", error: new StoreConfigError("the store says that its validation fails") }
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"))
}
