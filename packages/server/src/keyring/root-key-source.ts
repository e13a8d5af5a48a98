import { readFileSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "../errors.ts"
import type { Log } from "../log.ts"
import type { Random } from "../random.ts"
import type { Secret } from "../secret.ts"
import { RootKey } from "./root-key.ts"
import { createRootKeyFile } from "./root-key-file.ts"

/** Where the root key may come from. At most one of the first three; without any, it is kept in the data folder. */
export type RootKeyConfig = {
  /** `ROOT_ENCRYPTION_KEY`: base64 of 32 bytes. */
  readonly rootEncryptionKey?: Secret
  /** `ENCRYPTION_KEY`, as Infisical has it: 32 hexadecimal characters. */
  readonly encryptionKey?: Secret
  /** `COFFER_ROOT_KEY_FILE`: a file that holds base64 of 32 bytes. */
  readonly rootKeyFile?: string
  readonly dataFolder: string
}

export type FoundRootKey =
  | { readonly kind: "configured"; readonly rootKey: RootKey }
  | { readonly kind: "generated"; readonly rootKey: RootKey; readonly path: string }

/**
 * The root key that the configuration names, or the one in the data folder; `undefined` when there is none yet.
 *
 * @throws AppError "invalid" when a source is malformed, can't be read, or there are several
 */
export function findRootKey(config: RootKeyConfig): FoundRootKey | undefined {
  assertOneSource(config)
  if (config.rootEncryptionKey !== undefined) {
    return configured(fromBase64(config.rootEncryptionKey.reveal(), "ROOT_ENCRYPTION_KEY"))
  }
  if (config.encryptionKey !== undefined) return configured(fromInfisicalKey(config.encryptionKey.reveal()))
  if (config.rootKeyFile !== undefined) {
    const text = readKeyFile(config.rootKeyFile)
    if (text === undefined) {
      throw invalid(`COFFER_ROOT_KEY_FILE names '${config.rootKeyFile}', which does not exist`)
    }
    return configured(fromBase64(text, `the file '${config.rootKeyFile}'`))
  }
  const path = join(config.dataFolder, "root.key")
  const text = readKeyFile(path)
  return text === undefined
    ? undefined
    : { kind: "generated", rootKey: fromBase64(text, `the file '${path}'`), path }
}

/** Generates a root key into the data folder, or takes the one that another process was quicker to generate. */
export function generateRootKey(config: RootKeyConfig, deps: { random: Random; log: Log }): FoundRootKey {
  const path = join(config.dataFolder, "root.key")
  createRootKeyFile(path, `${Buffer.from(deps.random.bytes(32)).toString("base64")}\n`, deps.random)
  const found = findRootKey(config)
  if (found === undefined) throw invalid(`the file '${path}' was removed while it was written`)
  deps.log.info({ path, fingerprint: found.rootKey.fingerprint }, "A root key was generated")
  return found
}

/** A key that lies beside what it protects is lost together with it, so this is said at every start. */
export function warnWhileNotBackedUp(found: FoundRootKey, log: Log): void {
  if (found.kind === "configured") return
  log.warn(
    { path: found.path, fingerprint: found.rootKey.fingerprint },
    "The root key lies in the data folder: without this file no secret can be read again. Keep a copy elsewhere, and " +
      "set COFFER_ROOT_KEY_FILE or ROOT_ENCRYPTION_KEY to end this warning",
  )
}

function configured(rootKey: RootKey): FoundRootKey {
  return { kind: "configured", rootKey }
}

function assertOneSource(config: RootKeyConfig): void {
  const given = [
    config.rootEncryptionKey && "ROOT_ENCRYPTION_KEY",
    config.encryptionKey && "ENCRYPTION_KEY",
    config.rootKeyFile && "COFFER_ROOT_KEY_FILE",
  ].filter((name) => name !== undefined)
  if (given.length > 1) {
    throw invalid(`${given.join(" and ")} are both set: the root key has one source, remove the others`)
  }
}

function fromBase64(text: string, source: string): RootKey {
  const trimmed = text.trim()
  const keyBytes = Buffer.from(trimmed, "base64")
  if (keyBytes.length !== 32 || keyBytes.toString("base64") !== trimmed) {
    throw invalid(`${source} has to hold base64 of 32 bytes; make one with: openssl rand -base64 32`)
  }
  return RootKey.fromBytes(keyBytes)
}

function fromInfisicalKey(text: string): RootKey {
  const trimmed = text.trim()
  if (!/^[0-9a-fA-F]{32}$/.test(trimmed)) {
    throw invalid("ENCRYPTION_KEY has to hold 32 hexadecimal characters; make one with: openssl rand -hex 16")
  }
  return RootKey.fromText(trimmed, "coffer/root-key/encryption-key/1")
}

function readKeyFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error) {
      if (error.code === "ENOENT") return undefined
      throw invalid(`the root key file '${path}' can't be read: ${error.code}`)
    }
    throw error
  }
}

function invalid(message: string): AppError {
  return new AppError("invalid", "RootKeyInvalid", message)
}
