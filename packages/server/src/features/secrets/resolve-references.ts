import type { ReadScope } from "../../use-case/index.ts"
import type { OpenedSecret } from "./domain.ts"
import { type Reading, ReferenceReader, type Whereabouts } from "./expansion.ts"
import type { SecretsDeps } from "./reading.ts"
import { mayHaveReferences } from "./reference-syntax.ts"

/** A secret that will be shown, and where its relative references are looked for. */
export type Found = { readonly secret: OpenedSecret; readonly at: Whereabouts }

const maxReferencesInLog = 100

/** Replaces the references of the secrets of one answer, if that is wanted, and says what was read for it. */
export class References {
  readonly #deps: SecretsDeps
  readonly #scope: ReadScope
  readonly #how: Reading
  readonly #isWanted: boolean
  #reader: ReferenceReader | undefined

  /** @param how `reader` when references were followed already */
  constructor(
    deps: SecretsDeps,
    scope: ReadScope,
    how: Reading & { readonly isWanted: boolean; readonly reader?: ReferenceReader },
  ) {
    this.#deps = deps
    this.#scope = scope
    this.#how = how
    this.#isWanted = how.isWanted
    this.#reader = how.reader
  }

  /** Projects that were named and do not exist, for the validator of the answer. */
  get missing(): readonly string[] {
    return this.#reader === undefined ? [] : [...this.#reader.missingProjects].map((slug) => `!${slug}`)
  }

  /** @throws AppError as {@link ReferenceReader.expand} */
  async resolve({ secret, at }: Found): Promise<OpenedSecret> {
    const { value, record } = secret
    if (!this.#isWanted || value === undefined || !mayHaveReferences(value)) return secret
    this.#reader ??= new ReferenceReader(this.#deps, this.#scope, this.#how)
    return { ...secret, value: await this.#reader.expand({ id: record.id, key: record.key, value }, at) }
  }

  /** In the same order. */
  async resolveAll(found: readonly Found[]): Promise<readonly OpenedSecret[]> {
    const resolved: OpenedSecret[] = []
    for (const one of found) {
      const { value } = one.secret
      const isPlain = value === undefined || !mayHaveReferences(value)
      resolved.push(isPlain ? one.secret : await this.resolve(one))
    }
    return resolved
  }

  /** What the event of the answer says about references inside its project. */
  auditFields(projectId: string): { readonly references?: readonly string[] } {
    const followed = this.#reader?.followed.get(projectId)
    return followed === undefined ? {} : { references: listed(followed) }
  }

  /** Tells each other project that values of it were read, and from where. */
  auditOtherProjects(projectId: string): void {
    for (const [other, followed] of this.#reader?.followed ?? []) {
      if (other === projectId) continue
      this.#scope.audit("get-referenced-secrets", other, {
        fromProjectId: projectId,
        numberOfSecrets: followed.size,
        references: listed(followed),
      })
    }
  }
}

function listed(references: ReadonlySet<string>): readonly string[] {
  return [...references].sort().slice(0, maxReferencesInLog)
}
