import { type EnvironmentRecord, type FolderRecord, findFolder } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { Random } from "../../random.ts"
import type { OrganizationWrite, ProjectWrite } from "../../use-case/index.ts"
import { type Action, authorize } from "../authorization/index.ts"
import { requireFolder } from "../project-access/index.ts"
import { namesOf, requireFolderPath, requireRoomForFolder } from "./limits.ts"
import { insertFolder } from "./store.ts"

/** Makes folders inside one write, with what is missing above them, each once. */
export class FolderMaker {
  /** Paths of the folders that were made, in the order they were. */
  readonly made: string[] = []
  readonly #random: Random
  readonly #write: ProjectWrite
  readonly #known = new Map<string, FolderRecord>()

  constructor(random: Random, write: ProjectWrite) {
    this.#random = random
    this.#write = write
  }

  /** The folder as this write left it; `undefined` when there is none. */
  find(environment: EnvironmentRecord, path: string): FolderRecord | undefined {
    return (
      this.#known.get(`${environment.id}:${path}`) ?? findFolder(this.#write.structure, environment.id, path)
    )
  }

  /**
   * The folder at this path, made if it is missing; `description` is for it alone, not for those above.
   * @throws AppError "forbidden" without the right to create one of them, "unprocessable" for a name that cannot be,
   * "invalid" when it would lie too deep, or be one too many
   */
  async ensure(
    environment: EnvironmentRecord,
    path: string,
    description: string | null = null,
  ): Promise<FolderRecord> {
    requireFolderPath(path)
    let current = requireFolder(this.#write.structure, environment, "/")
    const names = namesOf(path)
    for (const [index, name] of names.entries()) {
      const next = childPath(current.path, name)
      const isLast = index === names.length - 1
      current =
        this.find(environment, next) ??
        (await this.#make(environment, current, name, isLast ? description : null))
    }
    return current
  }

  async #make(
    environment: EnvironmentRecord,
    parent: FolderRecord,
    name: string,
    description: string | null,
  ): Promise<FolderRecord> {
    const write = this.#write
    requireFolderName(name)
    authorizeFolder(write, "create", environment, parent.path)
    requireRoomForFolder(write.structure.folders.size + this.made.length)
    const folder: FolderRecord = {
      id: this.#random.uuid(),
      environmentId: environment.id,
      parentId: parent.id,
      name,
      description,
      version: 1,
      createdAt: write.now,
      updatedAt: write.now,
      path: childPath(parent.path, name),
    }
    await insertFolder(write, folder)
    recordFolder(write, environment, folder, "create-folder")
    this.#known.set(`${environment.id}:${folder.path}`, folder)
    this.made.push(folder.path)
    return folder
  }
}

/** @throws AppError "forbidden" when the actor may not do this to folders directly below `parentPath` */
export function authorizeFolder(
  write: Pick<ProjectWrite, "actor" | "projectId" | "now">,
  action: Action,
  environment: EnvironmentRecord,
  parentPath: string,
): void {
  const resource = { environment: environment.slug, secretPath: parentPath }
  authorize(write.actor, action, "secret-folders", { projectId: write.projectId, now: write.now, resource })
}

export function recordFolder(
  write: OrganizationWrite & Pick<ProjectWrite, "change">,
  environment: EnvironmentRecord,
  folder: FolderRecord,
  type: "create-folder" | "update-folder" | "delete-folder",
  oldFolderName?: string,
): void {
  const about = {
    environment: environment.slug,
    folderId: folder.id,
    folderName: folder.name,
    folderPath: folder.path,
  }
  if (oldFolderName === undefined) write.audit(type, about)
  else write.audit("update-folder", { ...about, oldFolderName })
  write.change({
    kind: "folder",
    environmentId: environment.id,
    folderId: folder.id,
    path: folder.path,
  })
}

export function childPath(parent: string, name: string): string {
  return parent === "/" ? `/${name}` : `${parent}/${name}`
}

function requireFolderName(name: string): void {
  if (/^[A-Za-z0-9_-]{1,255}$/.test(name)) return
  throw new AppError(
    "unprocessable",
    "ValidationFailure",
    `Folder name '${name}' may hold letters, digits, dashes and underscores only`,
  )
}

/** The path of the folder that holds this one. */
export function parentPathOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/"
}
