/** From what a file holds to secrets in folders: canonical names and values, or a refusal that names the field. Pure. */
import { canonicalSecretValue, folderPath, secretKey } from "@coffer/contract"
import { type FileEntry, parseSecretFile, type ReadableFormat, SecretFileError } from "@coffer/secret-files"
import { AppError } from "../../errors.ts"
import type { WrittenSecret } from "../secrets/index.ts"

/** The secrets of one folder. */
export type FolderEntries = { readonly path: string; readonly secrets: readonly WrittenSecret[] }

const maxSecrets = 10_000

/**
 * The secrets of a file by folder, those above first.
 *
 * @param top the folder that the file is read into
 * @throws AppError "unprocessable" naming the line, the key or the folder that cannot be; never a value
 */
export function entriesOf(format: ReadableFormat, content: string, top: string): readonly FolderEntries[] {
  const entries = parse(format, content)
  if (entries.length === 0) throw refusal("the file holds no secret")
  if (entries.length > maxSecrets) throw refusal(`the file holds more than ${maxSecrets} secrets`)
  const byFolder = Map.groupBy(entries, (entry) => pathBelow(top, entry.path))
  return [...byFolder]
    .map(([path, ofFolder]) => ({ path, secrets: ofFolder.map(secretOf) }))
    .sort((left, right) => (left.path < right.path ? -1 : 1))
}

function parse(format: ReadableFormat, content: string): readonly FileEntry[] {
  try {
    return parseSecretFile(format, content)
  } catch (error) {
    if (error instanceof SecretFileError) throw refusal(error.message)
    throw error
  }
}

function secretOf({ key, value, comment }: FileEntry): WrittenSecret {
  const parsed = secretKey.safeParse(key)
  if (!parsed.success) throw refusal(`the key '${key}' ${parsed.error.issues[0]?.message ?? "cannot be"}`)
  if (!value.isWellFormed()) throw refusal(`the value of '${key}' is no well-formed text`)
  const told = comment?.trim()
  return {
    key: parsed.data,
    value: canonicalSecretValue(value),
    ...(told === undefined ? {} : { comment: told }),
  }
}

function pathBelow(top: string, path: string): string {
  const parsed = folderPath.safeParse(path)
  if (!parsed.success) throw refusal(`the folder '${path}' ${parsed.error.issues[0]?.message ?? "cannot be"}`)
  const odd = parsed.data.split("/").find((name) => name !== "" && !/^[A-Za-z0-9_-]{1,255}$/.test(name))
  if (odd !== undefined) {
    throw refusal(
      `'${odd}' holds other values, so it would be a folder, which may be named with letters, digits, dashes and underscores only`,
    )
  }
  if (parsed.data === "/") return top
  return top === "/" ? parsed.data : top + parsed.data
}

function refusal(why: string): AppError {
  return new AppError("unprocessable", "ValidationFailure", `body.content: ${why}`)
}
