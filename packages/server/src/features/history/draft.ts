/**
 * A plan with what it takes from old versions, opened and compared: steps that would change nothing are gone. Made
 * outside of a transaction from one revision; whoever applies it checks that the project still has that revision.
 */
import { setImmediate as nextTurn } from "node:timers/promises"
import type { SecretRecord } from "../../cache/index.ts"
import type { Reader } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { TimeSlices } from "../../time-slices.ts"
import type { Grant } from "../authorization/index.ts"
import {
  contentToBringBack,
  findVersions,
  type Opener,
  type SecretContent,
  type SecretsDeps,
  versionName,
} from "../secrets/index.ts"
import { type ContentField, changedFields } from "./changed-fields.ts"
import {
  contentsOf,
  currentRevision,
  type Entries,
  listPrunedSecrets,
  listRedactedVersions,
  loadEntries,
  newest,
} from "./past-store.ts"
import { type Plan, planSteps, type Step } from "./plan.ts"
import { type Contents, isAtHome, type SecretState, type Wanted } from "./state.ts"

/** One secret that changes, with what it was and what it will say. */
export type SecretDraft = Step<SecretState> & {
  /** Current row; `undefined` when there is none. */
  readonly record: SecretRecord | undefined
  /** `undefined` when it goes. */
  readonly content: SecretContent | undefined
  readonly tagIds: readonly string[]
  readonly createdAt: number
  readonly fields: readonly ContentField[]
}

export type Draft = {
  readonly projectId: string
  /** What the draft was made from. */
  readonly revision: number
  readonly plan: Plan
  readonly secrets: readonly SecretDraft[]
  /** Newest versions of everything, also of what was deleted. */
  readonly heads: Entries
  /** Keys of secrets that stay as they are because what they were is no longer known. */
  readonly lost: readonly string[]
}

/** What a draft is made from besides the database. */
export type DraftDeps = Pick<SecretsDeps, "keyring"> & {
  readonly opener: Opener
  readonly tags: ReadonlyMap<string, unknown>
  /** That the past may be brought back, or looked at. What is opened is compared, sealed anew, and never shown. */
  readonly grant: Grant<"create" | "read">
}

/** The present, the past and what is no longer known of it. */
export type Times = {
  readonly now: Contents
  readonly past: Contents
  readonly heads: Entries
  readonly unknown: ReadonlySet<string>
}

const maxSecrets = 20_000
const maxOthers = 2_000

/**
 * @param revision the past that is looked at
 * @param wantedOf says what shall be
 * @throws AppError "invalid" when there is more to do than one transaction takes
 */
export async function makeDraft(
  deps: DraftDeps,
  db: Reader,
  at: { readonly projectId: string; readonly revision: number },
  wantedOf: (times: Times) => Wanted,
): Promise<Draft> {
  const { projectId } = at
  const revision = await currentRevision(db, projectId)
  // Each of these reads the whole project: others have their turn before each.
  await nextTurn()
  const heads = await loadEntries(db, projectId, newest)
  await nextTurn()
  const past = await loadEntries(db, projectId, at.revision)
  await nextTurn()
  const unknown = await unknownSecrets(db, projectId, { heads, past })
  const times = { now: contentsOf(heads), past: contentsOf(past), heads, unknown }
  const wanted = wantedOf(times)
  const plan = planSteps(times.now, wanted)
  requireBounded(plan)
  const secrets = await draftSecrets(deps, db, projectId, plan)
  const lost = lostKeys(times, wanted)
  return { projectId, revision, plan, secrets, heads, lost }
}

/** Secrets of which the version of then is gone, or has no value any more. */
async function unknownSecrets(
  db: Reader,
  projectId: string,
  of: { readonly heads: Entries; readonly past: Entries },
): Promise<ReadonlySet<string>> {
  const unknown = new Set<string>()
  for (const id of await listPrunedSecrets(db, projectId)) if (!of.past.secrets.has(id)) unknown.add(id)
  for (const { id, version } of await listRedactedVersions(db, projectId)) {
    if (of.past.secrets.get(id)?.version === version && of.heads.secrets.get(id)?.version !== version) {
      unknown.add(id)
    }
  }
  return unknown
}

/** Unknown secrets that are, or were, in the folders that are asked about. */
function lostKeys({ heads, past, unknown }: Times, { lookedAt }: Wanted): readonly string[] {
  const keys: string[] = []
  for (const id of unknown) {
    const states = [past.secrets.get(id), heads.secrets.get(id)?.state].filter((one) => one !== undefined)
    const [known] = states
    if (known !== undefined && states.some((one) => lookedAt.has(one.folderId))) keys.push(known.key)
  }
  return keys.sort()
}

function requireBounded(plan: Plan): void {
  const others = plan.folders.length + plan.imports.length
  if (plan.secrets.length <= maxSecrets && others <= maxOthers) return
  throw new AppError(
    "invalid",
    "BadRequest",
    `One restore changes at most ${maxSecrets} secrets, and ${maxOthers} folders and imports: restore folder by folder`,
  )
}

async function draftSecrets(
  deps: DraftDeps,
  db: Reader,
  projectId: string,
  plan: Plan,
): Promise<readonly SecretDraft[]> {
  const refs = plan.secrets.flatMap(({ was, will }) => [was, will].filter((one) => one !== undefined))
  const records = await findVersions(db, deps.keyring, projectId, refs)
  const drafts: SecretDraft[] = []
  const slices = new TimeSlices()
  for (const step of plan.secrets) {
    const pause = slices.spend(5)
    if (pause !== undefined) await pause
    const draft = draftSecret(deps, step, records)
    if (draft !== undefined) drafts.push(draft)
  }
  return drafts
}

function draftSecret(
  deps: DraftDeps,
  step: Step<SecretState>,
  records: ReadonlyMap<string, SecretRecord>,
): SecretDraft | undefined {
  const { was, will } = step
  const record = was === undefined ? undefined : records.get(versionName(was))
  if (will === undefined) {
    return {
      ...step,
      record,
      content: undefined,
      tagIds: record?.tagIds ?? [],
      createdAt: record?.createdAt ?? 0,
      fields: [],
    }
  }
  const source = records.get(versionName(will))
  if (source === undefined) throw versionGone(will.key)
  const content = contentToBringBack(deps.grant, deps.opener, source, deps.tags)
  const { createdAt } = source
  const { tagIds } = content
  if (record === undefined) return { ...step, record, content, tagIds, createdAt, fields: [] }
  const old = contentToBringBack(deps.grant, deps.opener, record, deps.tags)
  const fields = changedFields(old, content)
  const isMoved = was !== undefined && !(isAtHome(was, will) && was.key === will.key)
  if (fields.length === 0 && !isMoved) return undefined
  return { ...step, record, content, tagIds, createdAt, fields }
}

/** It was pruned, purged or redacted a moment ago. */
function versionGone(key: string): AppError {
  return new AppError(
    "not-found",
    "NotFound",
    `What '${key}' was is no longer kept: its version was pruned, purged or redacted`,
  )
}
