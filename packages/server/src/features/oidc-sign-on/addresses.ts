/** The addresses of single sign-on that browsers see. */
import { AppError } from "../../errors.ts"

type SiteDeps = { readonly siteUrl: string | undefined }

export const callbackPath = "/api/coffer/v1/sso/oidc/callback"

export function loginPath(organizationSlug: string): string {
  return `/api/coffer/v1/sso/oidc/${encodeURIComponent(organizationSlug)}/login`
}

/** What the provider must be told. @throws AppError "invalid" while the server does not know its own address */
export function redirectUrlOf(deps: SiteDeps): string {
  return siteUrlOf(deps) + callbackPath
}

/** @throws AppError "invalid" while the server does not know its own address */
export function siteUrlOf({ siteUrl }: SiteDeps): string {
  if (siteUrl !== undefined) return siteUrl
  const message = "Single sign-on needs the address of this server: its administrator must set SITE_URL"
  throw new AppError("invalid", "BadRequest", message)
}
