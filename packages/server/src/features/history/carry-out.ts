/** From a draft to rows, and the rows into the database. */
import type { SecretRecord } from "../../cache/index.ts"
import type { Reader } from "../../db/database.ts"
import { TimeSlices } from "../../time-slices.ts"
import type { ProjectWrite } from "../../use-case/index.ts"
import { insertEnvironment, makeRoomFor } from "../environments/index.ts"
import { freeFolderNames, insertFolder, removeFolders, updateFolder } from "../folders/index.ts"
import { insertImport, removeImports, updateImports } from "../secret-imports/index.ts"
import {
  contentToBringBack,
  listOverrides,
  type Rewrite,
  rewriteSecrets,
  sealSecret,
  sealTombstone,
} from "../secrets/index.ts"
import type { Draft, DraftDeps, SecretDraft } from "./draft.ts"
import type { Step } from "./plan.ts"
import { type FolderState, type ImportState, isAtHome, pathOf, type SecretState } from "./state.ts"

export type By = {
  readonly actorType: string
  readonly actorId: string
  readonly now: number
}

/** Seals every row of a draft for the revision after the one it was made from. Outside of the transaction: it takes time. */
export async function sealDraft(deps: DraftDeps, db: Reader, draft: Draft, by: By): Promise<Rewrite> {
  const sealer = new Sealer(deps, draft, by)
  const slices = new TimeSlices()
  for (const secret of draft.secrets) {
    const pause = slices.spend(5)
    if (pause !== undefined) await pause
    sealer.add(secret)
  }
  const leaving = draft.secrets.filter(({ was, will }) => was !== undefined && !isSamePlace(was, will))
  for (const [folderId, ofFolder] of Map.groupBy(leaving, ({ was }) => was?.folderId ?? "")) {
    const byKey = new Map(ofFolder.map((secret) => [secret.was?.key, secret]))
    const keys = ofFolder.flatMap(({ was }) => was?.key ?? [])
    const overrides = await listOverrides(db, deps.keyring, { projectId: draft.projectId, folderId, keys })
    for (const override of overrides) sealer.follow(override, byKey.get(override.key)?.will)
  }
  return sealer.rewrite
}

function isSamePlace(was: SecretState, will: SecretState | undefined): boolean {
  return will !== undefined && isAtHome(was, will) && was.key === will.key
}

class Sealer {
  readonly rewrite = {
    gone: [] as Rewrite["gone"][number][],
    returned: [] as Rewrite["returned"][number][],
    changed: [] as Rewrite["changed"][number][],
  }
  readonly #deps: DraftDeps
  readonly #draft: Draft
  readonly #by: By & { readonly revision: number }

  constructor(deps: DraftDeps, draft: Draft, by: By) {
    this.#deps = deps
    this.#draft = draft
    this.#by = { ...by, revision: draft.revision + 1 }
  }

  add({ id, will, record, content, createdAt }: SecretDraft): void {
    const { keyring, opener } = this.#deps
    if (will === undefined || content === undefined) {
      if (record !== undefined) this.rewrite.gone.push(sealTombstone(keyring, record, this.#by.revision))
      return
    }
    const head = this.#draft.heads.secrets.get(id)
    const next = {
      ...this.#by,
      id,
      projectId: this.#draft.projectId,
      environmentId: will.environmentId,
      folderId: will.folderId,
      key: will.key,
      userId: null,
      version: (head?.version ?? 0) + 1,
      createdAt,
    }
    const row = sealSecret(keyring, opener, next, content)
    if (record === undefined) this.rewrite.returned.push(row)
    else this.rewrite.changed.push(row)
  }

  /** An override goes where its shared secret goes, and says what it said. */
  follow(override: SecretRecord, will: SecretState | undefined): void {
    const { keyring, opener, grant, tags } = this.#deps
    if (will === undefined) {
      this.rewrite.gone.push(sealTombstone(keyring, override, this.#by.revision))
      return
    }
    const { id, projectId, userId, createdAt } = override
    const { environmentId, folderId, key } = will
    const place = { environmentId, folderId, key, version: override.version + 1 }
    const content = contentToBringBack(grant, opener, override, tags)
    const next = { ...this.#by, ...place, id, projectId, userId, createdAt }
    this.rewrite.changed.push(sealSecret(keyring, opener, next, content))
  }
}

/** Writes everything, in an order in which no name is ever taken twice. */
export async function carryOut(write: ProjectWrite, draft: Draft, rewrite: Rewrite): Promise<void> {
  const { plan } = draft
  const times = { createdAt: write.now, updatedAt: write.now }
  const returning = plan.environments.map((environment) => ({ ...environment, ...times }))
  for (const environment of await makeRoomFor(write, returning)) await insertEnvironment(write, environment)
  const leaving = plan.folders.filter(({ was }) => was !== undefined)
  await freeFolderNames(
    write,
    leaving.map(({ id }) => id),
  )
  for (const step of plan.folders) await putFolder(write, draft, step)
  await rewriteSecrets(write, rewrite)
  await putImports(write, draft)
  const gone = plan.folders.filter(({ will }) => will === undefined)
  const byPath = gone.flatMap(({ was }) =>
    was === undefined ? [] : folderRecord(write, draft, was, plan.now),
  )
  await removeFolders(
    write,
    byPath.sort((left, right) => (left.path < right.path ? -1 : 1)),
  )
  recordChanges(write, draft)
}

async function putFolder(write: ProjectWrite, draft: Draft, step: Step<FolderState>): Promise<void> {
  if (step.will === undefined) return
  const record = folderRecord(write, draft, step.will, draft.plan.after)
  const next = { ...record, version: record.version + 1 }
  await (step.was === undefined ? insertFolder(write, next) : updateFolder(write, next))
}

/** As the present version has it, but for what `state` says. */
function folderRecord(write: ProjectWrite, draft: Draft, state: FolderState, contents: Draft["plan"]["now"]) {
  const known = write.structure.folders.get(state.id)
  return {
    ...state,
    path: pathOf(contents, state.id) ?? "",
    version: draft.heads.folders.get(state.id)?.version ?? 0,
    createdAt: known?.createdAt ?? write.now,
    updatedAt: write.now,
  }
}

async function putImports(write: ProjectWrite, draft: Draft): Promise<void> {
  const { imports } = draft.plan
  const record = (state: ImportState) => ({
    ...state,
    version: draft.heads.imports.get(state.id)?.version ?? 0,
    createdAt: write.now,
    updatedAt: write.now,
  })
  const next = (state: ImportState) => ({ ...record(state), version: record(state).version + 1 })
  await removeImports(
    write,
    imports.flatMap(({ was, will }) => (was !== undefined && will === undefined ? record(was) : [])),
  )
  const changed = imports.flatMap(({ was, will }) =>
    was !== undefined && will !== undefined ? next(will) : [],
  )
  await updateImports(write, changed)
  for (const { was, will } of imports) {
    if (was === undefined && will !== undefined) await insertImport(write, next(will))
  }
}

function recordChanges(write: ProjectWrite, draft: Draft): void {
  const { plan } = draft
  for (const environment of plan.environments) {
    write.change({ kind: "environment", environmentId: environment.id })
  }
  for (const { id, was, will } of plan.folders) {
    const contents = will === undefined ? plan.now : plan.after
    const environmentId = (will ?? was)?.environmentId ?? ""
    write.change({ kind: "folder", environmentId, folderId: id, path: pathOf(contents, id) ?? "" })
  }
  const secrets = new Map<string, Set<string>>()
  const note = (kind: SecretChangeKind, folderId: string, key: string) => {
    const name = `${kind} ${folderId}`
    secrets.set(name, (secrets.get(name) ?? new Set()).add(key))
  }
  for (const { was, will } of draft.secrets) {
    if (was !== undefined && will !== undefined && isAtHome(was, will)) {
      for (const key of [was.key, will.key]) note("secret:update", will.folderId, key)
      continue
    }
    if (was !== undefined) note("secret:delete", was.folderId, was.key)
    if (will !== undefined) note("secret:create", will.folderId, will.key)
  }
  for (const [name, keys] of secrets) {
    const [kind = "", folderId = ""] = name.split(" ")
    const contents = kind === "secret:delete" ? plan.now : plan.after
    const environmentId = contents.folders.get(folderId)?.environmentId ?? ""
    const path = pathOf(contents, folderId) ?? ""
    write.change({ kind: kind as SecretChangeKind, environmentId, folderId, path, keys: [...keys] })
  }
  for (const folderId of new Set(plan.imports.flatMap(({ was, will }) => (will ?? was)?.folderId ?? []))) {
    const contents = plan.after.folders.has(folderId) ? plan.after : plan.now
    const environmentId = contents.folders.get(folderId)?.environmentId ?? ""
    const path = pathOf(contents, folderId) ?? ""
    write.change({ kind: "secret:import-mutation", environmentId, folderId, path })
  }
}

type SecretChangeKind = "secret:create" | "secret:update" | "secret:delete"
