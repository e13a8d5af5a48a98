/** Carries out a plan: the only writes to Secrets, and to the finalizer. */
import { isAlreadyExists, isNotFound, KubeApiError, SECRETS, type SecretObject } from "@coffer/kube-runtime"
import {
  CREATED_BY_LABEL,
  createdByHash,
  EXTERNAL_SECRET_FINALIZER,
  fieldManagerOf,
  OPERATOR_FIELD_MANAGER,
} from "../../api/names.ts"
import { EXTERNAL_SECRETS, type ExternalSecret } from "../../api/resources.ts"
import type { SecretData } from "../../data/keys.ts"
import { decideWrite, deletesWith, needsFinalizer, type Plan } from "./decide.ts"
import type { ExternalSecretDeps } from "./deps.ts"
import { readTarget, targetKeyOf } from "./gather.ts"
import {
  CREATED_EVENT,
  DELETED_EVENT,
  type EsEvent,
  failure,
  ORPHAN_DELETED_EVENT,
  UPDATED_EVENT,
} from "./outcome.ts"
import { creationPolicyOf, targetNameOf } from "./spec.ts"
import { isControlledBy } from "./target.ts"

export type Applied = { readonly plan: Plan; readonly event?: EsEvent }

/**
 * Decides and writes. A Secret that this process doesn't know is created without reading it first; if it turns out
 * to exist, it is read and the decision is made again. A conflict is thrown: somebody else wrote meanwhile.
 */
export async function applyData(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  fetched: SecretData,
  signal: AbortSignal,
): Promise<Applied> {
  const isKnown = deps.managedSecrets.get(targetKeyOf(externalSecret)) !== undefined
  if (!isKnown) {
    const plan = decideWrite(externalSecret, undefined, fetched)
    if (plan.kind === "create") {
      const event = await create(deps, externalSecret, plan.secret, signal)
      if (event) return { plan, event }
    }
  }
  const existing = await readTarget(deps, externalSecret, signal)
  const plan = decideWrite(externalSecret, existing, fetched)
  if (plan.kind === "delete") return deleteTarget(deps, plan, signal)
  const event = await carryOut(deps, externalSecret, plan, signal)
  if (existing && plan.kind === "nothing") deps.memory.verify(existing)
  return { plan, ...(event ? { event } : {}) }
}

async function carryOut(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  plan: Plan,
  signal: AbortSignal,
): Promise<EsEvent | undefined> {
  if (plan.kind === "create") {
    const written = await deps.client.create(SECRETS, plan.secret, writeOptions(externalSecret, signal))
    deps.memory.verify(written)
    return CREATED_EVENT
  }
  if (plan.kind === "update") {
    const written = await deps.client.update(SECRETS, plan.secret, writeOptions(externalSecret, signal))
    deps.memory.verify(written)
    return UPDATED_EVENT
  }
  return undefined
}

async function deleteTarget(
  deps: ExternalSecretDeps,
  plan: Plan & { kind: "delete" },
  signal: AbortSignal,
): Promise<Applied> {
  try {
    await deleteSecret(deps, plan.secret, signal)
    return { plan, event: DELETED_EVENT }
  } catch (error) {
    if (!(error instanceof KubeApiError) || error.isConflict) throw error
    const detail = `unable to delete secret ${plan.secret.metadata.name}: ${error.message}`
    return { plan: { kind: "fail", failure: failure("deletion", detail) } }
  }
}

async function create(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  secret: SecretObject,
  signal: AbortSignal,
): Promise<EsEvent | undefined> {
  try {
    deps.memory.verify(await deps.client.create(SECRETS, secret, writeOptions(externalSecret, signal)))
    return CREATED_EVENT
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    return undefined
  }
}

function writeOptions(externalSecret: ExternalSecret, signal: AbortSignal) {
  return { fieldManager: fieldManagerOf(externalSecret.metadata.name ?? ""), signal }
}

/** Deletes Secrets that this ExternalSecret made under another name. Returns one event for each. */
export async function deleteOrphans(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
): Promise<readonly EsEvent[]> {
  if (creationPolicyOf(externalSecret) !== "Owner") return []
  const { namespace = "", name = "" } = externalSecret.metadata
  const hash = createdByHash(namespace, name)
  const orphans = deps.managedSecrets
    .byIndex("created-by", `${namespace}/${hash}`)
    .filter((secret) => secret.metadata.name !== targetNameOf(externalSecret))
    .filter((secret) => secret.metadata.labels?.[CREATED_BY_LABEL] === hash)
    .filter((secret) => isControlledBy(secret, externalSecret)) // a copy that somebody made is theirs
  for (const orphan of orphans) await deleteSecret(deps, orphan, signal)
  return orphans.map(() => ORPHAN_DELETED_EVENT)
}

async function deleteSecret(
  deps: ExternalSecretDeps,
  secret: Pick<SecretObject, "metadata">,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name = "", uid } = secret.metadata
  try {
    await deps.client.delete(SECRETS, { namespace, name }, { preconditions: { uid }, signal })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  deps.memory.forgetSecret({ namespace, name })
}

/** Adds the finalizer by a patch that claims nothing else. Returns the object as it is now. */
export async function ensureFinalizer(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
): Promise<ExternalSecret> {
  if (!needsFinalizer(externalSecret)) return externalSecret
  const finalizers = [...(externalSecret.metadata.finalizers ?? []), EXTERNAL_SECRET_FINALIZER]
  const patched = await patchFinalizers(deps, externalSecret, finalizers, signal)
  deps.memory.wrote(patched, [externalSecret])
  return patched
}

/** Lets a deleted ExternalSecret go: deletes its target if that was asked for, then removes the finalizer. */
export async function finalize(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
): Promise<void> {
  if (needsFinalizer(externalSecret)) return
  if (externalSecret.spec?.target?.deletionPolicy === "Delete") {
    const target = await deps.client.findMetadata(SECRETS, targetKeyOf(externalSecret), { signal })
    if (target && deletesWith(externalSecret, target)) await deleteSecret(deps, target, signal)
  }
  const finalizers =
    externalSecret.metadata.finalizers?.filter((one) => one !== EXTERNAL_SECRET_FINALIZER) ?? []
  try {
    await patchFinalizers(deps, externalSecret, finalizers, signal)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

function patchFinalizers(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  finalizers: readonly string[],
  signal: AbortSignal,
): Promise<ExternalSecret> {
  const { namespace, name = "", resourceVersion } = externalSecret.metadata
  const body = { metadata: { resourceVersion, finalizers } }
  return deps.client.patch(
    EXTERNAL_SECRETS,
    { namespace, name },
    { kind: "merge", body },
    {
      fieldManager: OPERATOR_FIELD_MANAGER,
      signal,
    },
  )
}
