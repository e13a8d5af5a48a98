/** Archives of projects in tests: made and read through the HTTP API, opened, changed and locked again. */
import {
  type ArchiveRecord,
  createKeyPair,
  decryptArchive,
  encryptArchive,
  RecordWriter,
  readRecords,
} from "@coffer/project-archive"
import type { Answer, Instance } from "./test-app.ts"
import type { Workbench } from "./workbench.ts"

export type Keys = { readonly identity: string; readonly recipient: string }

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function* piecesOf(bytes: Uint8Array, size = 10_000) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

/** The project's archive, and what opens it. @throws Error when the export is refused */
export async function exported(bench: Workbench, keys?: Keys): Promise<{ archive: Buffer; keys: Keys }> {
  const used = keys ?? (await createKeyPair())
  const response = await bench.instance.test.app.http.inject({
    method: "GET",
    url: `/api/coffer/v1/projects/${bench.project}/archive?recipient=${used.recipient}`,
    headers: { host: "localhost", authorization: `Bearer ${bench.instance.adminToken}` },
  })
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.body}`)
  return { archive: response.rawPayload, keys: used }
}

/** Uploads an archive; an async iterable is sent as it is made. */
export async function imported(
  { test, adminToken }: Instance,
  upload: Uint8Array | NodeJS.ReadableStream,
  of: { readonly identity?: string; readonly query?: string; readonly token?: string },
): Promise<Pick<Answer, "status" | "body" | "text">> {
  const response = await test.app.http.inject({
    method: "POST",
    url: `/api/coffer/v1/projects/archive${of.query === undefined ? "" : `?${of.query}`}`,
    headers: {
      host: "localhost",
      authorization: `Bearer ${of.token ?? adminToken}`,
      "content-type": "application/octet-stream",
      ...(of.identity === undefined ? {} : { "x-coffer-archive-identity": of.identity }),
    },
    payload: upload instanceof Uint8Array ? Buffer.from(upload) : upload,
  })
  const text = response.body
  return { status: response.statusCode, body: JSON.parse(text), text }
}

/** What an archive says, without its end. */
export async function recordsOf(archive: Uint8Array, { identity }: Keys): Promise<ArchiveRecord[]> {
  const key = { kind: "identities", identities: [identity] } as const
  return await collect(readRecords(await decryptArchive(piecesOf(archive), key)))
}

/** An archive that says this. */
export async function archiveOf(records: readonly ArchiveRecord[], { recipient }: Keys): Promise<Buffer> {
  const lines = async function* () {
    const writer = new RecordWriter()
    for (const record of records) yield writer.line(record)
    yield writer.end()
  }
  return await locked(lines(), recipient)
}

/** Any text as a locked file. */
export async function lockedText(text: string, { recipient }: Keys): Promise<Buffer> {
  const lines = async function* () {
    yield Buffer.from(text)
  }
  return await locked(lines(), recipient)
}

async function locked(plain: AsyncIterable<Uint8Array>, recipient: string): Promise<Buffer> {
  const sealed = await encryptArchive(plain, { kind: "recipients", recipients: [recipient] })
  return Buffer.concat(await collect(sealed))
}
