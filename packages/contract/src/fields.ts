/**
 * The small rules that every request shares (contract 0.2, 3.1, 3.3, 3.6): trimming, empty query values,
 * query booleans, paths, slugs and names. Canonical forms are made here, once, at the edge.
 */
import { z } from "zod"

const nul = "\u0000"

function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes(nul)
}

/** Trimmed text that every database can hold. */
export const text = z
  .string()
  .trim()
  .refine(isStorableText, "must be well-formed text without NUL characters")

/** Trimmed text of at least one character. */
export const requiredText = text.min(1, "must not be empty")

/** Query text: trimmed; an empty value means absent (gotcha 6). */
export const queryText = text.transform((value) => (value === "" ? undefined : value)).optional()

/** A query boolean: `true`, `false`, or absent/empty for the default. Anything else is a 422 (gotcha 45). */
export function queryBoolean(whenAbsent: boolean) {
  return z
    .enum(["true", "false", ""], { error: "must be 'true' or 'false'" })
    .optional()
    .transform((value) => (value === undefined || value === "" ? whenAbsent : value === "true"))
}

/** A whole number in a query; empty means absent. */
export function queryInteger(range: { readonly min: number; readonly max: number }) {
  const message = `must be a whole number from ${range.min} to ${range.max}`
  return z
    .string()
    .trim()
    .refine((value) => value === "" || /^\d{1,15}$/.test(value), message)
    .transform((value) => (value === "" ? undefined : Number(value)))
    .refine((value) => value === undefined || (value >= range.min && value <= range.max), message)
    .optional()
}

/** A whole number of seconds or uses in a body. */
export function wholeNumber(range: { readonly min: number; readonly max: number }) {
  return z.int().min(range.min).max(range.max)
}

/** The largest number a body may carry where the contract names no maximum. */
export const anyCount = { min: 0, max: Number.MAX_SAFE_INTEGER } as const

const dotSegment = /(^|\/)\.{1,2}(\/|$)/

/** Adds the leading slash, drops a trailing one, changes nothing else (contract 3.3). */
export function normalizeFolderPath(path: string): string {
  const absolute = path.startsWith("/") ? path : `/${path}`
  return absolute.length > 1 && absolute.endsWith("/") ? absolute.slice(0, -1) : absolute
}

/** A folder path in its canonical form; `.` and `..` are refused rather than resolved. */
export const folderPath = text
  .refine((path) => !dotSegment.test(path), "must not contain '.' or '..' segments")
  .transform(normalizeFolderPath)

/** A folder path of a request; absent or empty means the root. */
export const folderPathOrRoot = folderPath.optional().transform((path) => path ?? "/")

/** Letters, digits, `-` and `_` (contract 1.7). */
export const folderName = requiredText
  .max(255)
  .regex(/^[A-Za-z0-9_-]+$/, "may hold letters, digits, dashes and underscores only")

/** True when `value` is lower-case letters and digits separated by single dashes (contract 3.1). */
export function isSlug(value: string): boolean {
  return /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(value)
}

/** A slug of `min` to `max` characters. */
export function slug(range: { readonly min: number; readonly max: number }) {
  const rule = `must be ${range.min} to ${range.max} lower-case letters and digits, with single dashes between them`
  return requiredText
    .min(range.min, { error: rule, abort: true })
    .max(range.max, { error: rule, abort: true })
    .refine(isSlug, rule)
}

/** The key of a secret: trimmed, no `:` and no `/`, case preserved (contract 3.6); as long as upstream stores it. */
export const secretKey = requiredText
  .max(500)
  .refine((key) => !/[:/]/.test(key) && key !== "." && key !== "..", "must not contain ':' or '/'")

/** Trims both ends but keeps one final newline (contract 3.6). */
export function canonicalSecretValue(value: string): string {
  return value.endsWith("\n") ? `${value.trim()}\n` : value.trim()
}

/** The value of a secret: any well-formed text, in its canonical form. */
export const secretValue = z
  .string()
  .refine((value) => value.isWellFormed(), "must be well-formed text")
  .transform(canonicalSecretValue)

/** An e-mail address in its canonical form: who differs in case or in spaces around is the same person. */
export const emailAddress = z.string().max(1_024).trim().toLowerCase().pipe(z.email().max(254))

/** A password as it was sent; it may be anything, spaces included. */
export const password = z.string().min(1).max(1_024)

/** ISO-8601 UTC with milliseconds and `Z`. */
export const timestamp = z.string()

/** An object id: a UUID to us, an opaque string to clients. */
export const id = z.string()
