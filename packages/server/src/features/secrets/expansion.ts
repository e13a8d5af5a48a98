/**
 * References between the folders and projects that a caller may read (contract 3.4, 3.5).
 *
 * A relative reference is looked for where its secret lives, then in what that folder imports; for a secret that was
 * itself imported, then in the importing folder and what that one imports. What the caller may not read fails the whole
 * request: a silently shortened value would end up in production.
 */
import type { ProjectSnapshot, SecretRecord } from "../../cache/index.ts"
import { findEnvironment } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { TimeSlices } from "../../time-slices.ts"
import type { ReadScope } from "../../use-case/index.ts"
import type { Resource } from "../authorization/index.ts"
import type { Effective } from "./effective-secrets.ts"
import { importedByKey } from "./imports.ts"
import {
  type FolderView,
  folderView,
  type ProjectView,
  resourceOf,
  type SecretsDeps,
  viewProject,
} from "./reading.ts"
import type { Reference } from "./reference-syntax.ts"
import {
  aReferenceBudget,
  expandReferences,
  type ReferenceBudget,
  type Referrer,
  spendReference,
} from "./references.ts"
import { revealValue } from "./sealing.ts"

/** Where a secret lives, and then the folders that show it as their own. */
export type Whereabouts = readonly [FolderView, ...FolderView[]]

type Located = { readonly record: SecretRecord; readonly at: Whereabouts }

/** Where to look, in order; the first also says whose rights decide about what is found nowhere. */
type Search = { readonly places: readonly FolderView[]; readonly nowhere: Nowhere }
type Nowhere = { readonly view: ProjectView; readonly environment: string; readonly path: string }

/** How the values of one answer are read. */
export type Reading = { readonly slices: TimeSlices; readonly effective: Effective }

/** The references of one request: what they may cost, and what was read on the way. */
export class ReferenceReader {
  /** By project, for the audit log: `env:/path/KEY`. */
  readonly followed = new Map<string, Set<string>>()
  /** Slugs of projects that do not exist. */
  readonly missingProjects = new Set<string>()
  readonly #deps: SecretsDeps
  readonly #scope: ReadScope
  readonly #slices: TimeSlices
  readonly #effective: Effective
  readonly #budget: ReferenceBudget = aReferenceBudget()
  readonly #projects = new Map<string, Promise<ProjectView | undefined>>()
  readonly #values = new Map<string, string>()

  constructor(deps: SecretsDeps, scope: ReadScope, how: Reading) {
    this.#deps = deps
    this.#scope = scope
    this.#slices = how.slices
    this.#effective = how.effective
  }

  /**
   * The value with its references replaced.
   *
   * @throws AppError "forbidden" naming the secret that may not be read and the one that refers to it; "invalid" when
   * the references cost too much
   */
  async expand(
    secret: { readonly id: string; readonly key: string; readonly value: string },
    at: Whereabouts,
  ) {
    return await expandReferences<Whereabouts>(
      { ...secret, at },
      {
        lookUp: (reference, from) => this.lookUp(reference, from),
        budget: this.#budget,
        pause: () => this.#slices.spend(),
      },
    )
  }

  /** What a reference leads to, opened; `undefined` when there is nothing. */
  async lookUp(
    reference: Reference,
    from: Referrer<Whereabouts>,
  ): Promise<Referrer<Whereabouts> | undefined> {
    const search = await this.#searchFor(reference, from)
    if (search === undefined) return undefined
    const found = await this.#findFirst(search.places, reference.key)
    if (found === undefined) {
      const { view, environment, path } = search.nowhere
      const resource = { environment, secretPath: path, secretName: reference.key, secretTags: [] }
      if (view.mayReadValue(resource) === undefined) throw denied(resource, from.key)
      return undefined
    }
    const { record, at } = found
    return { id: record.id, key: record.key, value: this.#open(found, from.key), at }
  }

  #open({ record, at: [place] }: Located, referrer: string): string {
    const resource = resourceOf(place, record)
    const grant = place.view.mayReadValue(resource)
    if (grant === undefined) throw denied(resource, referrer)
    this.#remember(place, record.key)
    const known = this.#values.get(record.id)
    if (known !== undefined) return known
    const value = revealValue(grant, place.view.opener, record)
    this.#values.set(record.id, value)
    return value
  }

  #remember(place: FolderView, key: string): void {
    const projectId = place.view.snapshot.id
    const known = this.followed.get(projectId) ?? new Set()
    this.followed.set(projectId, known)
    const path = place.folder.path === "/" ? "" : place.folder.path
    known.add(`${place.environment.slug}:${path}/${key}`)
  }

  async #searchFor(reference: Reference, from: Referrer<Whereabouts>): Promise<Search | undefined> {
    const [own] = from.at
    const [first, ...rest] = reference.names
    if (first === undefined) return { places: from.at, nowhere: placeOf(own) }
    if (reference.project !== undefined) {
      const view = await this.#project(reference, from)
      return view === undefined ? undefined : absolute(view, first, rest)
    }
    const isEnvironment = findEnvironment(own.view.snapshot.structure, first) !== undefined
    return isEnvironment
      ? absolute(own.view, first, rest)
      : absolute(own.view, own.environment.slug, reference.names)
  }

  async #findFirst(places: readonly FolderView[], key: string): Promise<Located | undefined> {
    const visit = () => spendReference(this.#budget, key)
    for (const [index, place] of places.entries()) {
      if (index > 0) visit()
      const after = places.slice(index + 1)
      const secrets = place.view.snapshot.secretsOf(place.folder.id)
      const record = (secrets instanceof Promise ? await secrets : secrets).byKey.get(key)
      if (record !== undefined) return { record: await this.#effective(place, record), at: [place, ...after] }
      if (!place.view.snapshot.structure.imports.has(place.folder.id)) continue
      const how = { lastFirst: false, slices: this.#slices, visit }
      for await (const found of importedByKey(place, key, how)) {
        const imported = await this.#effective(found.place, found.record)
        return { record: imported, at: [found.place, ...found.through, place, ...after] }
      }
    }
    return undefined
  }

  async #project(reference: Reference, from: Referrer<Whereabouts>): Promise<ProjectView | undefined> {
    const slug = reference.project ?? ""
    const known = this.#projects.get(slug) ?? this.#viewBySlug(slug, reference, from.key)
    this.#projects.set(slug, known)
    return await known
  }

  async #viewBySlug(slug: string, reference: Reference, referrer: string): Promise<ProjectView | undefined> {
    const found = this.#scope.projectBySlug(slug)
    const snapshot: ProjectSnapshot | undefined = found instanceof Promise ? await found : found
    if (snapshot === undefined) {
      this.missingProjects.add(slug)
      return undefined
    }
    if (!this.#scope.session.actor.memberships.has(snapshot.id)) {
      const [environment = "", ...folders] = reference.names
      const resource = { environment, secretPath: `/${folders.join("/")}`, secretName: reference.key }
      throw denied(resource, referrer, slug)
    }
    return await viewProject(this.#deps, this.#scope, snapshot)
  }
}

function placeOf(place: FolderView): Nowhere {
  return { view: place.view, environment: place.environment.slug, path: place.folder.path }
}

function absolute(view: ProjectView, environment: string, folders: readonly string[]): Search {
  const path = `/${folders.join("/")}`
  const place = folderView(view, environment, path)
  return { places: place === undefined ? [] : [place], nowhere: { view, environment, path } }
}

/** Says what is missing and who wants it: both names come from texts that the caller may read. */
function denied(resource: Resource, referrer: string, project?: string): AppError {
  const { environment, secretPath, secretName } = resource
  const of = project === undefined ? "" : ` of project '${project}'`
  return new AppError(
    "forbidden",
    "PermissionDenied",
    `You are not allowed to read the value of secret '${secretName}' in environment '${environment}' at path ` +
      `'${secretPath}'${of}, to which secret '${referrer}' refers`,
    { details: [{ secretKey: secretName, environment, secretPath, referredToBy: referrer }] },
  )
}
