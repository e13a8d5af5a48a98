/** What an ExternalSecret refers to and asks for, with the defaults that apply at run time. Pure. */
import type { CreationPolicy, DeletionPolicy, StoreRef } from "../../api/external-secret.ts"
import type { ExternalSecret } from "../../api/resources.ts"
import { storeIndexKey } from "../../stores/rules.ts"

export function targetNameOf(externalSecret: ExternalSecret): string {
  return externalSecret.spec?.target?.name || (externalSecret.metadata.name ?? "")
}

export function creationPolicyOf(externalSecret: ExternalSecret): CreationPolicy {
  return externalSecret.spec?.target?.creationPolicy ?? "Owner"
}

export function deletionPolicyOf(externalSecret: ExternalSecret): DeletionPolicy {
  return externalSecret.spec?.target?.deletionPolicy ?? "Retain"
}

/** The store of an entry: its own, or else that of the whole object. */
export function storeRefOf(externalSecret: ExternalSecret, entryRef: StoreRef | undefined): StoreRef {
  return entryRef ?? externalSecret.spec?.secretStoreRef ?? {}
}

/** Every store that the object refers to, each once. */
export function storeRefsOf(externalSecret: ExternalSecret): readonly StoreRef[] {
  const { secretStoreRef, data = [], dataFrom = [] } = externalSecret.spec ?? {}
  const refs = [secretStoreRef, ...[...data, ...dataFrom].map((entry) => entry.sourceRef?.storeRef)]
  const named = refs.filter((ref): ref is StoreRef => Boolean(ref?.name))
  const byKey = new Map(named.map((ref) => [`${ref.kind ?? "SecretStore"}/${ref.name}`, ref]))
  return [...byKey.values()]
}

/** Whether a part of it comes from a generator, none of which this operator has. */
export function usesGenerator(externalSecret: ExternalSecret): boolean {
  return (externalSecret.spec?.dataFrom ?? []).some((entry) => entry.sourceRef?.generatorRef)
}

/** The texts under which the object is indexed by store. */
export function storeIndexKeysOf(externalSecret: ExternalSecret): readonly string[] {
  const namespace = externalSecret.metadata.namespace ?? ""
  return storeRefsOf(externalSecret).map((ref) =>
    storeIndexKey(ref.kind ?? "SecretStore", namespace, ref.name ?? ""),
  )
}

/** A part of the spec that this release can't carry out, in words for the user; `undefined` if there is none. */
export function unsupportedPart(externalSecret: ExternalSecret): UnsupportedPart | undefined {
  const { target, data = [], dataFrom = [], syncWindows } = externalSecret.spec ?? {}
  if (target?.manifest) {
    return {
      condition: "invalid generic target",
      detail: notYet("write targets other than Secrets (spec.target.manifest)"),
    }
  }
  if (target?.template)
    return { condition: UPDATE_FAILED, detail: notYet("render templates (spec.target.template)") }
  if (dataFrom.some((entry) => entry.rewrite?.some((operation) => operation.transform))) {
    return {
      condition: FETCH_FAILED,
      detail: notYet("render templates (spec.dataFrom[].rewrite[].transform)"),
    }
  }
  if (data.some((entry) => entry.sourceRef?.generatorRef)) {
    return { condition: FETCH_FAILED, detail: notYet("use generators (spec.data[].sourceRef.generatorRef)") }
  }
  if (syncWindows) return { condition: FETCH_FAILED, detail: notYet("keep sync windows (spec.syncWindows)") }
  return undefined
}

export type UnsupportedPart = { readonly condition: string; readonly detail: string }

export const FETCH_FAILED = "could not get secret data from provider"
export const UPDATE_FAILED = "could not update secret"

function notYet(what: string): string {
  return `this Coffer release does not yet ${what}; the target was left as it is`
}
