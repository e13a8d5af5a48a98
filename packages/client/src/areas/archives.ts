/** Whole projects as age files, which only Coffer makes and takes. */
import { archiveIdentityHeader, type ImportArchiveAnswer, importArchiveAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"

export type ArchiveImport = {
  /** The age secret key that opens the upload. */
  readonly identity: string
  readonly asCopy: boolean
  readonly slug?: string | undefined
  readonly name?: string | undefined
}

export function archivesArea(transport: Transport) {
  return {
    /**
     * The archive of a project as it is made. A stream that ends without an error may still be cut off: the file says so.
     * @param recipient the age public key that it is locked for
     */
    download: (projectId: string, recipient: string): Promise<ReadableStream<Uint8Array>> =>
      transport.download({
        path: `/api/coffer/v1/projects/${encodeURIComponent(projectId)}/archive`,
        query: { recipient },
      }),

    /** @throws ApiError ArchiveRefused with what is wrong with the archive; nothing was imported then */
    upload: (archive: ReadableStream<Uint8Array>, of: ArchiveImport): Promise<ImportArchiveAnswer> =>
      transport.upload({
        path: "/api/coffer/v1/projects/archive",
        query: { asCopy: of.asCopy, slug: of.slug, name: of.name },
        headers: { [archiveIdentityHeader]: of.identity },
        body: archive,
        schema: importArchiveAnswer,
      }),
  }
}
