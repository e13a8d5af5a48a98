import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { createWriteStream } from "node:fs"
import { mkdir, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { promisify } from "node:util"
import { ControlPlaneError, describeError } from "../errors.ts"
import type { Host } from "../host.ts"
import { type ProgramName, programFileName } from "./find-programs.ts"
import { chooseArchive, isTrustworthyUrl, type ReleaseArchive } from "./release-index.ts"

const maxIndexBytes = 4 * 1024 * 1024
const maxArchiveBytes = 512 * 1024 * 1024
const stallTimeoutMs = 30_000
const archiveTimeoutMs = 30 * 60_000
const extractTimeoutMs = 5 * 60_000
const progressStepBytes = 16 * 1024 * 1024

export type DownloadOptions = {
  readonly indexUrl: string
  /** How long the first byte of an answer may take; a machine without network must not wait for more. */
  readonly answerTimeoutMs: number
  readonly report: (line: string) => void
}

export type Download = {
  readonly version: string
  readonly files: ReadonlyMap<ProgramName, string>
}

/**
 * Downloads the archive for this machine into `directory`, refuses it unless it has the SHA-512 of the
 * index, and unpacks it there. Throws `ControlPlaneError`; the caller removes the directory either way.
 */
export async function downloadPrograms(
  host: Host,
  directory: string,
  options: DownloadOptions,
): Promise<Download> {
  if (!isTrustworthyUrl(options.indexUrl)) throw refusal(`${options.indexUrl} is not an https address`)
  options.report(`asking ${options.indexUrl} for a control plane`)
  const archive = chooseArchive(await fetchIndex(options), host)
  const archivePath = join(directory, "archive.tar.gz")
  await fetchArchive(archive, archivePath, options)
  const unpacked = join(directory, "unpacked")
  await mkdir(unpacked)
  await extract(archivePath, unpacked)
  await rm(archivePath)
  return { version: archive.version, files: await collectPrograms(unpacked, host) }
}

async function fetchIndex(options: DownloadOptions): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of readBody(options.indexUrl, maxIndexBytes, options)) chunks.push(chunk)
  return Buffer.concat(chunks).toString("utf8")
}

async function fetchArchive(archive: ReleaseArchive, path: string, options: DownloadOptions): Promise<void> {
  const sha512 = createHash("sha512")
  let received = 0
  let reported = 0
  options.report(`downloading ${archive.url}`)
  await pipeline(async function* () {
    for await (const chunk of readBody(archive.url, maxArchiveBytes, options)) {
      sha512.update(chunk)
      received += chunk.byteLength
      if (received - reported >= progressStepBytes) {
        reported = received
        options.report(`downloaded ${Math.round(received / 1024 / 1024)} MiB`)
      }
      yield chunk
    }
  }, createWriteStream(path))
  if (sha512.digest("hex") !== archive.sha512) {
    throw refusal(`${archive.url} does not have the SHA-512 that the index gives; nothing of it was kept`)
  }
}

/** The body of a GET, chunk by chunk, with a limit on its size, on every silence and on the whole. */
async function* readBody(
  url: string,
  maxBytes: number,
  options: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  const abort = new AbortController()
  let timer = setTimeout(() => abort.abort(), options.answerTimeoutMs)
  const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(archiveTimeoutMs)])
  try {
    const response = await fetch(url, { signal })
    if (!response.ok || !response.body) throw refusal(`${url} answered ${response.status}`)
    let received = 0
    for await (const chunk of response.body) {
      clearTimeout(timer)
      timer = setTimeout(() => abort.abort(), stallTimeoutMs)
      received += chunk.byteLength
      if (received > maxBytes) throw refusal(`${url} is larger than ${maxBytes / 1024 / 1024} MiB`)
      yield chunk
    }
  } catch (error) {
    if (signal.aborted) throw refusal(`${url} did not answer in time`)
    if (error instanceof ControlPlaneError) throw error
    throw refusal(`${url}: ${describeError(error)}`, error)
  } finally {
    clearTimeout(timer)
    abort.abort() // a body that was not read to its end keeps no connection
  }
}

async function extract(archivePath: string, directory: string): Promise<void> {
  try {
    await promisify(execFile)("tar", ["-xzf", archivePath, "-C", directory, "--no-same-owner"], {
      timeout: extractTimeoutMs,
    })
  } catch (error) {
    throw refusal(`tar could not unpack the archive: ${describeError(error)}`, error)
  }
}

/** The archive's folders are its own affair: the programs are found by name. */
async function collectPrograms(directory: string, host: Host): Promise<Map<ProgramName, string>> {
  const files = new Map<ProgramName, string>()
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  for (const name of ["etcd", "kube-apiserver"] as const) {
    const entry = entries.find(
      (candidate) => candidate.isFile() && candidate.name === programFileName(name, host),
    )
    if (!entry) throw refusal(`the archive holds no ${name}`)
    files.set(name, join(entry.parentPath, entry.name))
  }
  return files
}

function refusal(message: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError("download-refused", message, { cause })
}
