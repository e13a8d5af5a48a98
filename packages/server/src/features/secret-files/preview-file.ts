import type { Session } from "../../actor.ts"
import { findFolder } from "../../cache/index.ts"
import { answerRead } from "../../use-case/index.ts"
import { authorize, requireAnywhere } from "../authorization/index.ts"
import type { FoldersDeps } from "../folders/index.ts"
import { projectForRead, requireEnvironment } from "../project-access/index.ts"
import { openIfAllowed, viewProject } from "../secrets/index.ts"
import type { FolderEntries } from "./entries.ts"
import type { ImportPlace, ImportReport } from "./import-file.ts"

/**
 * What reading a file into a folder would do; writes nothing. A secret whose value the caller may not read counts as
 * changed, so that nobody finds a value out by trying.
 */
export async function previewFile(
  deps: FoldersDeps,
  session: Session,
  input: ImportPlace & { readonly folders: readonly FolderEntries[] },
): Promise<ImportReport> {
  return await answerRead(deps, session, async (scope) => {
    const { projectId } = input
    const snapshot = await projectForRead(scope, { kind: "id", id: projectId })
    requireAnywhere(scope.session.actor, "create", "secrets", { projectId, now: scope.now })
    const view = await viewProject(deps, scope, snapshot)
    const environment = requireEnvironment(snapshot.structure, input.environment)
    const exists = (path: string) => findFolder(snapshot.structure, environment.id, path) !== undefined
    const report = { created: [], changed: [], unchanged: [], foldersCreated: [] } as {
      [Part in keyof ImportReport]: ImportReport[Part][number][]
    }
    for (const { path, secrets } of input.folders) {
      const folder = findFolder(snapshot.structure, environment.id, path)
      const known = folder === undefined ? undefined : (await snapshot.secretsOf(folder.id)).byKey
      for (const secret of secrets) {
        const record = known?.get(secret.key)
        const placed = { secretPath: path, secretKey: secret.key }
        const isThere = folder !== undefined && record !== undefined
        const held = isThere ? openIfAllowed({ view, environment, folder }, record, true) : undefined
        if (held === undefined) {
          // Of what is hidden from the caller, only those learn who could try to create it.
          const resource = { environment: environment.slug, secretPath: path, secretName: secret.key }
          authorize(scope.session.actor, "create", "secrets", { projectId, now: scope.now, resource })
        }
        if (!isThere) {
          report.created.push(placed)
          continue
        }
        const isSame = held?.value === secret.value && (secret.comment ?? held?.comment) === held?.comment
        report[isSame ? "unchanged" : "changed"].push(placed)
      }
      if (folder === undefined)
        report.foldersCreated.push(...missingFolders(path, report.foldersCreated, exists))
    }
    scope.audit("preview-import", projectId, {
      environment: environment.slug,
      secretPath: input.path,
      numberOfSecrets: report.created.length + report.changed.length + report.unchanged.length,
    })
    return report
  })
}

/** The folders above and at `path` that would have to be made, those above first. */
function missingFolders(
  path: string,
  planned: readonly string[],
  exists: (path: string) => boolean,
): readonly string[] {
  const names = path.slice(1).split("/")
  const paths = names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`)
  return paths.filter((one) => !exists(one) && !planned.includes(one))
}
