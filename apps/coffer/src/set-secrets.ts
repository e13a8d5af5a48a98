/** Brings secrets to given values: creates what is missing, changes what differs, leaves the rest alone. */
import { type CofferClient, type FolderPlace, isApiError, type SecretType } from "@coffer/client"
import { canonicalSecretValue } from "@coffer/contract"
import { CommandError } from "./command-error.ts"
import { isHidden } from "./hidden-values.ts"

export type SetResult = {
  readonly secretKey: string
  readonly secretValue: string
  readonly status: "created" | "updated" | "unchanged"
}

/**
 * Writes one secret after the other. When one is refused, those before it stay written and the error says
 * how many they are.
 */
export async function setSecrets(
  client: CofferClient,
  place: FolderPlace,
  values: ReadonlyMap<string, string>,
  type: SecretType,
): Promise<readonly SetResult[]> {
  const current = await readCurrent(client, place, type)
  const results: SetResult[] = []
  for (const [secretKey, secretValue] of values) {
    try {
      const status = await setOne(client, place, current, { secretKey, secretValue, type })
      results.push({ secretKey, secretValue, status })
    } catch (error) {
      throw withProgress(error, secretKey, results.length, values.size)
    }
  }
  return results
}

const hiddenValue = Symbol("a value that may not be read")

async function readCurrent(
  client: CofferClient,
  place: FolderPlace,
  type: SecretType,
): Promise<ReadonlyMap<string, string | typeof hiddenValue>> {
  const list = await client.secrets.list(place, { includeImports: false, expandSecretReferences: false })
  const ofType = list.secrets.filter((secret) => secret.type === type)
  // What may not be read cannot be told from what it shall become: it is written.
  return new Map(
    ofType.map((secret) => [secret.secretKey, isHidden(secret) ? hiddenValue : secret.secretValue]),
  )
}

type Wanted = { readonly secretKey: string; readonly secretValue: string; readonly type: SecretType }

async function setOne(
  client: CofferClient,
  place: FolderPlace,
  current: ReadonlyMap<string, string | typeof hiddenValue>,
  wanted: Wanted,
): Promise<SetResult["status"]> {
  const { secretKey, secretValue, type } = wanted
  const held = current.get(secretKey)
  if (held === canonicalSecretValue(secretValue)) return "unchanged"
  if (held === undefined) {
    try {
      await client.secrets.create(place, secretKey, { secretValue, type })
      return "created"
    } catch (error) {
      if (!isApiError(error, "conflict")) throw error // made by somebody else meanwhile: change it
    }
  }
  await client.secrets.update(place, secretKey, { secretValue, type })
  return "updated"
}

function withProgress(error: unknown, secretKey: string, done: number, total: number): unknown {
  if (done === 0 || !isApiError(error) || error.kind === "rate-limited" || error.kind === "unexpected") {
    return error
  }
  const message = `${secretKey}: ${error.message} (${done} of ${total} were written before it)`
  return new CommandError(error.kind, message, { cause: error })
}
