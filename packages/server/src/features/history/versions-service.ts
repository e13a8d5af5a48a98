/** The past of one secret: its versions, how two of them differ, going back to one, and forgetting one. */
import type { Session } from "../../actor.ts"
import type { ProjectStructure } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { answerRead, type ReadScope } from "../../use-case/index.ts"
import { authorize, authorizeOrNot, type Resource } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { atDesk, contentToBringBack, type Desk, type SecretContent, updateAt } from "../secrets/index.ts"
import { type ContentField, changedFields } from "./changed-fields.ts"
import type { Place } from "./outline.ts"
import type { HistoryDeps } from "./restore-service.ts"
import { countVersions, listStoredVersions, redactVersion, type StoredVersion } from "./versions-store.ts"

export type SecretAt = { readonly projectId: string; readonly secretId: string }

export type ShownVersion = {
  readonly stored: StoredVersion
  /** Where the folder of this version is now; `undefined` when it is gone. */
  readonly place: Place | undefined
  /** What differs from the version before; `undefined` when that is not known. */
  readonly changed: readonly string[] | undefined
  /** Only when it was asked for, and the caller may read it. */
  readonly value: string | undefined
}

/** Versions of a secret, newest first; also of one that was deleted. */
export async function listHistory(
  deps: HistoryDeps,
  session: Session,
  input: SecretAt & { readonly offset: number; readonly limit: number; readonly includeValue: boolean },
): Promise<{ readonly versions: readonly ShownVersion[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    const past = await lookAt(deps, scope, input)
    const page = { offset: input.offset, limit: input.limit + 1 }
    const stored = await listStoredVersions(scope.reader, deps.keyring, input, page)
    const versions = stored
      .slice(0, input.limit)
      .map((one, index) => past.show(one, stored[index + 1], input.includeValue))
    scope.audit("get-secret-history", input.projectId, {
      secretId: input.secretId,
      secretKey: past.newest.key,
      numberOfVersions: versions.length,
      areValuesShown: versions.some((one) => one.value !== undefined),
    })
    return { versions, totalCount: await countVersions(scope.reader, input) }
  })
}

/** How one version differs from another. @throws AppError "not-found" for a version that is not kept */
export async function compareVersions(
  deps: HistoryDeps,
  session: Session,
  input: SecretAt & { readonly from: number; readonly to: number; readonly includeValue: boolean },
): Promise<{
  readonly from: ShownVersion
  readonly to: ShownVersion
  readonly changed: readonly string[]
}> {
  return await answerRead(deps, session, async (scope) => {
    const past = await lookAt(deps, scope, input)
    const all = await listStoredVersions(scope.reader, deps.keyring, input, everything)
    const from = requireVersion(all, input.from)
    const to = requireVersion(all, input.to)
    const changed = past.differences(from, to)
    if (changed === undefined) throw versionEmpty(from.record === undefined ? from : to)
    scope.audit("compare-secret-versions", input.projectId, {
      secretId: input.secretId,
      secretKey: past.newest.key,
      fromVersion: input.from,
      toVersion: input.to,
      areValuesShown: input.includeValue && past.mayReadValue,
    })
    const show = (one: StoredVersion) => past.show(one, undefined, input.includeValue)
    return { from: show(from), to: show(to), changed }
  })
}

/**
 * Writes what an old version says, its name too, as the next version; the id stays.
 *
 * @throws AppError "not-found" for a secret that is gone or a version that is not kept, "invalid" when the name is
 * taken or nothing would change
 */
export async function rollBack(
  deps: HistoryDeps,
  session: Session,
  input: SecretAt & { readonly version: number },
): Promise<{
  readonly key: string
  readonly version: number
  readonly place: Place
  readonly changed: readonly string[]
}> {
  const project = { kind: "id", id: input.projectId } as const
  return await atDesk(deps, session, project, ["edit"], async (desk) => {
    const { write } = desk
    const at = { projectId: input.projectId, now: write.now }
    const grant = authorize(write.actor, "create", "secret-rollback", at)
    const { old, current, spot } = await versionsFor(deps, desk, input)
    if (old.record === undefined || current.record === undefined) throw versionEmpty(old)
    const open = (one: NonNullable<StoredVersion["record"]>) =>
      contentToBringBack(grant, desk.opener, one, write.structure.tags)
    const content = open(old.record)
    const fields = changedFields(open(current.record), content)
    const isRenamed = old.key !== current.key
    const changed = isRenamed ? ["key", ...fields] : fields
    if (changed.length === 0) {
      throw new AppError(
        "invalid",
        "UpdateSecret",
        `Secret '${current.key}' already says what version ${input.version} says`,
      )
    }
    const type = current.userId === null ? ("shared" as const) : ("personal" as const)
    const secret = { ...content, key: current.key, type, newKey: isRenamed ? old.key : undefined }
    const [written] = await updateAt(desk, spot, { mode: "failOnNotFound", secrets: [secret] })
    if (written === undefined) throw secretGone(input.secretId)
    const { key, version } = written.record
    const place = { environment: spot.environment.slug, path: spot.folder.path }
    write.audit("rollback-secret", {
      environment: place.environment,
      secretPath: place.path,
      secretId: input.secretId,
      secretKey: key,
      secretVersion: version,
      toVersion: input.version,
    })
    return { key, version, place, changed }
  })
}

/**
 * Takes the value of an old version out for good, for one that should never have been stored.
 *
 * @throws AppError "invalid" for the current version: write a new value first
 */
export async function redact(
  deps: HistoryDeps,
  session: Session,
  input: SecretAt & { readonly version: number },
): Promise<void> {
  const project = { kind: "id", id: input.projectId } as const
  await atDesk(deps, session, project, ["edit", "delete"], async (desk) => {
    const { write } = desk
    const at = { projectId: input.projectId, now: write.now }
    authorize(write.actor, "create", "secret-rollback", at)
    const { old, current, spot } = await versionsFor(deps, desk, input)
    const resource = resourceFor(write.structure, current)
    authorize(write.actor, "edit", "secrets", { ...at, resource })
    authorize(write.actor, "delete", "secrets", { ...at, resource })
    if (old.version === current.version) {
      throw new AppError(
        "invalid",
        "BadRequest",
        "The current version cannot be redacted: write a new value, then redact the old one",
      )
    }
    if (old.op === "delete") throw versionEmpty(old)
    await redactVersion(write.db, input)
    write.audit("redact-secret-version-value", {
      environment: spot.environment.slug,
      secretPath: spot.folder.path,
      secretId: input.secretId,
      secretKey: current.key,
      secretVersion: input.version,
      secretVersionId: `${input.secretId}:${input.version}`,
    })
  })
}

const everything = { offset: 0, limit: 10_000 }

/** What a caller sees of the past of a secret. */
type Past = {
  readonly newest: StoredVersion
  readonly mayReadValue: boolean
  show(one: StoredVersion, before: StoredVersion | undefined, includeValue: boolean): ShownVersion
  differences(from: StoredVersion, to: StoredVersion): readonly string[] | undefined
}

async function lookAt(deps: HistoryDeps, scope: ReadScope, input: SecretAt): Promise<Past> {
  const { projectId, secretId } = input
  const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
  const { actor } = scope.session
  const at = { projectId, now: scope.now }
  const grant = authorize(actor, "read", "secret-rollback", at)
  const [newest] = await listStoredVersions(scope.reader, deps.keyring, input, { offset: 0, limit: 1 })
  if (newest === undefined || isOthers(newest, actor.id)) throw secretGone(secretId)
  const resource = resourceFor(structure, newest)
  authorize(actor, "describeSecret", "secrets", { ...at, resource })
  const mayReadValue = authorizeOrNot(actor, "readValue", "secrets", { ...at, resource }) !== undefined
  const { orgId } = structure.project
  const opener = { sealer: await deps.keyring.forProject(projectId), orgId }
  const open = (one: StoredVersion | undefined) =>
    one?.record === undefined ? undefined : contentToBringBack(grant, opener, one.record, structure.tags)
  return {
    newest,
    mayReadValue,
    show: (stored, before, includeValue) => ({
      stored,
      place: placeIn(structure, stored.folderId),
      changed: before === undefined ? undefined : differences(stored, before, open),
      value: includeValue && mayReadValue ? open(stored)?.value : undefined,
    }),
    differences: (from, to) => differences(to, from, open),
  }
}

function differences(
  newer: StoredVersion,
  older: StoredVersion,
  open: (one: StoredVersion) => SecretContent | undefined,
): readonly string[] | undefined {
  const [after, before] = [open(newer), open(older)]
  if (after === undefined || before === undefined) return undefined
  const fields: (ContentField | "key" | "folder")[] = [...changedFields(before, after)]
  if (newer.key !== older.key) fields.unshift("key")
  if (newer.folderId !== older.folderId) fields.unshift("folder")
  return fields
}

async function versionsFor(deps: HistoryDeps, desk: Desk, input: SecretAt & { readonly version: number }) {
  const { write } = desk
  const all = await listStoredVersions(write.db, deps.keyring, input, everything)
  const [current] = all
  if (current === undefined || isOthers(current, write.actor.id)) throw secretGone(input.secretId)
  if (current.op === "delete") {
    throw new AppError(
      "not-found",
      "NotFound",
      `Secret '${current.key}' was deleted: restore it from the trash first`,
    )
  }
  const folder = write.structure.folders.get(current.folderId)
  const environment = write.structure.environments.find((one) => one.id === folder?.environmentId)
  if (folder === undefined || environment === undefined) throw secretGone(input.secretId)
  const resource = resourceFor(write.structure, current)
  authorize(write.actor, "edit", "secrets", { projectId: input.projectId, now: write.now, resource })
  return { old: requireVersion(all, input.version), current, spot: { folder, environment } }
}

function isOthers(version: StoredVersion, actorId: string): boolean {
  return version.userId !== null && version.userId !== actorId
}

function placeIn(structure: ProjectStructure, folderId: string): Place | undefined {
  const folder = structure.folders.get(folderId)
  const environment = structure.environments.find((one) => one.id === folder?.environmentId)
  if (folder === undefined || environment === undefined) return undefined
  return { environment: environment.slug, path: folder.path }
}

function resourceFor(structure: ProjectStructure, version: StoredVersion): Resource {
  const place = placeIn(structure, version.folderId)
  const secretTags = version.tagIds.flatMap((id) => structure.tags.get(id)?.slug ?? [])
  const where = place === undefined ? {} : { environment: place.environment, secretPath: place.path }
  return { ...where, secretName: version.key, secretTags }
}

function requireVersion(all: readonly StoredVersion[], version: number): StoredVersion {
  const found = all.find((one) => one.version === version)
  if (found !== undefined) return found
  throw new AppError("not-found", "NotFound", `Version ${version} is not kept, or never was`)
}

function versionEmpty(version: StoredVersion): AppError {
  const why = version.op === "delete" ? "is a deletion" : "was redacted"
  return new AppError("invalid", "BadRequest", `Version ${version.version} ${why}: it holds no value`)
}

function secretGone(secretId: string): AppError {
  return new AppError("not-found", "NotFound", `Secret with ID '${secretId}' not found`)
}
