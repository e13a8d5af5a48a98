import type { ConflictMode } from "@coffer/contract"
import { AppError } from "../../errors.ts"

/** A secret that is in the way. */
export type Conflict = {
  readonly environment: string
  readonly secretPath: string
  readonly secretKey: string
}

/** @throws AppError "invalid" naming everything that is in the way, when conflicts are to fail */
export function requireNoConflicts(mode: ConflictMode, conflicts: readonly Conflict[]): void {
  if (mode !== "fail" || conflicts.length === 0) return
  const shown = conflicts.slice(0, 20).map((one) => `${one.environment}:${placeOf(one)}`)
  const more = conflicts.length > shown.length ? ` and ${conflicts.length - shown.length} more` : ""
  throw new AppError("invalid", "BadRequest", `Already there: ${shown.join(", ")}${more}`, {
    details: { conflicts },
  })
}

function placeOf({ secretPath, secretKey }: Conflict): string {
  return secretPath === "/" ? `/${secretKey}` : `${secretPath}/${secretKey}`
}
