import { formatSecretFile, SecretFileError, type WritableFormat } from "@coffer/secret-files"
import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { listSecrets, type Reading, type SecretsDeps } from "../secrets/index.ts"

/**
 * A folder as the text of a file, imports included where wanted: a folder's own secret wins, then the last import, as
 * in the command line.
 *
 * @throws AppError "forbidden" when a value may not be read: a file with gaps would be taken for the whole; "invalid"
 * when the format cannot hold a key
 */
export async function exportFile(
  deps: SecretsDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly environment: string
    readonly path: string
    readonly format: WritableFormat
    readonly recursive: boolean
    readonly includeImports: boolean
    readonly expand: boolean
  },
): Promise<Reading<string>> {
  const { seed, found } = await listSecrets(deps, session, {
    ...input,
    project: { kind: "id", id: input.projectId },
    viewValue: true,
    filter: { tagSlugs: [], metadata: [] },
    personalOverrides: false,
    unreadable: "hidden", // and then refused, all of them at once
  })
  const top = input.path === "/" ? "" : input.path
  const own = found.secrets.map((secret) => ({ secret, path: secret.path.slice(top.length) || "/" }))
  const taken = new Set(own.map(({ secret }) => secret.record.key))
  const imported = found.imports.toReversed().flatMap(({ secrets }) =>
    secrets.flatMap((secret) => {
      if (taken.has(secret.record.key)) return []
      taken.add(secret.record.key)
      return [{ secret, path: "/" }]
    }),
  )
  const all = [...own, ...imported]
  const hidden = all.filter(({ secret }) => secret.value === undefined)
  if (hidden.length > 0) {
    throw new AppError("forbidden", "PermissionDenied", "You are not allowed to readValue on secrets", {
      details: hidden.slice(0, 100).map(({ secret }) => secret.record.key),
    })
  }
  const entries = all.map(({ secret, path }) => ({
    path,
    key: secret.record.key,
    value: secret.value ?? "",
    comment: secret.comment,
  }))
  return { seed, found: write(input.format, entries) }
}

function write(format: WritableFormat, entries: Parameters<typeof formatSecretFile>[1]): string {
  try {
    return formatSecretFile(format, entries)
  } catch (error) {
    if (error instanceof SecretFileError) throw new AppError("invalid", "BadRequest", error.message)
    throw error
  }
}
