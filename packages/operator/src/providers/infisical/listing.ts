/**
 * The answer to "list a folder", and which questions it may answer: only for a key that is present, not hidden and
 * not ambiguous. Everything else must be asked for alone.
 */
import { z } from "zod"

const secretSchema = z.object({
  secretKey: z.string(),
  secretValue: z.string().nullish(),
  secretPath: z.string().nullish(),
  secretValueHidden: z.boolean().nullish(),
  type: z.string().nullish(),
})
const listSchema = z.object({
  secrets: z.array(secretSchema),
  imports: z.array(z.object({ secrets: z.array(secretSchema).nullish() })).nullish(),
})

export type ListedSecret = {
  readonly key: string
  /** Absent when the server hides it. */
  readonly value: string | undefined
  readonly path: string | undefined
}

export type Listing = {
  readonly direct: readonly ListedSecret[]
  /** One list per import, in the folder's order. */
  readonly imports: readonly (readonly ListedSecret[])[]
}

const HIDDEN_VALUE = "<hidden-by-infisical>"

/** Reads the server's answer. Throws for one of another shape, without quoting it. */
export function parseListing(body: unknown): Listing {
  const parsed = listSchema.safeParse(body)
  if (!parsed.success) throw new Error("the server's list of secrets has an unknown shape")
  return {
    direct: parsed.data.secrets.filter(isShared).map(toListed),
    imports: (parsed.data.imports ?? []).map(({ secrets }) => (secrets ?? []).filter(isShared).map(toListed)),
  }
}

const singleSchema = z.object({ secret: secretSchema })

/** Reads the answer to a question for one secret; `undefined` when the server hides the value. */
export function parseSingle(body: unknown): string | undefined {
  const parsed = singleSchema.safeParse(body)
  if (!parsed.success) throw new Error("the server's answer holds no secret")
  return toListed(parsed.data.secret).value
}

/** The value of a key of this very folder, if the list settles it; otherwise the key must be asked for alone. */
export function valueInListing(listing: Listing, name: string, scope: ListingScope): string | undefined {
  const direct = listing.direct.filter(({ key, path }) => key === name && isIn(scope, path))
  if (direct.length > 0) return direct.length === 1 ? direct[0]?.value : undefined
  if (scope.recursive) return undefined
  const imported = listing.imports.flatMap((secrets) => secrets.filter(({ key }) => key === name))
  return imported.length === 1 ? imported[0]?.value : undefined
}

export type ListingScope = { readonly folder: string; readonly recursive: boolean }

function isIn(scope: ListingScope, path: string | undefined): boolean {
  if (path === undefined) return !scope.recursive
  return withoutTrailingSlash(path) === withoutTrailingSlash(scope.folder)
}

function withoutTrailingSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/, "")
}

/**
 * All secrets by name as a find sees them: folders flattened (the last one listed wins), then imports for names that
 * are not there yet (the first import wins).
 */
export function flatten(listing: Listing): ReadonlyMap<string, ListedSecret> {
  const byName = new Map(listing.direct.map((secret) => [secret.key, secret]))
  for (const secret of listing.imports.flat()) if (!byName.has(secret.key)) byName.set(secret.key, secret)
  return byName
}

export function isEmpty(listing: Listing): boolean {
  return listing.direct.length === 0 && listing.imports.every((secrets) => secrets.length === 0)
}

function isShared(secret: z.infer<typeof secretSchema>): boolean {
  return secret.type !== "personal"
}

function toListed(secret: z.infer<typeof secretSchema>): ListedSecret {
  const isHidden = secret.secretValueHidden === true || secret.secretValue === HIDDEN_VALUE
  return {
    key: secret.secretKey,
    value: isHidden ? undefined : (secret.secretValue ?? ""),
    path: secret.secretPath ?? undefined,
  }
}
