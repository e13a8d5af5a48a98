/** OIDC auth (contract 2.9): an OpenID provider found by its discovery document. */
import type { OidcAuthSettings as Wanted } from "@coffer/contract"
import { AppError } from "../../errors.ts"
import { type Bounds, boundsOf, requireBounds, shownBounds } from "./bound-claims.ts"
import type { ExternalMethod } from "./external-method.ts"
import { withoutAbsent } from "./jwt-auth.ts"
import { unauthorized } from "./login-refusal.ts"
import { verifyWithKeySet } from "./verify-jwt.ts"

export type OidcAuth = Bounds & {
  readonly oidcDiscoveryUrl: string
  readonly caCert: string
  readonly claimMetadataMapping: Readonly<Record<string, string>>
}

export const oidcAuth: ExternalMethod<Wanted, OidcAuth> = {
  kind: "oidc-auth",
  title: "OIDC auth",
  permission: "edit-identities",
  shownOf: ({ settings }) => ({ oidcDiscoveryUrl: settings.oidcDiscoveryUrl, ...shownBounds(settings) }),

  settingsOf(wanted, old) {
    const oidcDiscoveryUrl = wanted.oidcDiscoveryUrl ?? old?.oidcDiscoveryUrl
    if (oidcDiscoveryUrl === undefined) throw required("oidcDiscoveryUrl", "the URL of the OpenID provider")
    const bounds = boundsOf(withoutAbsent(wanted), old)
    if (bounds.boundIssuer === "") throw required("boundIssuer", "the 'iss' of the provider's tokens")
    return {
      oidcDiscoveryUrl,
      caCert: wanted.caCert ?? old?.caCert ?? "",
      claimMetadataMapping: wanted.claimMetadataMapping ?? old?.claimMetadataMapping ?? {},
      ...bounds,
    }
  },

  async prove(settings, jwt, { keySets, now, allowPrivateAddresses }) {
    const url = settings.oidcDiscoveryUrl.replace(/\/\.well-known\/openid-configuration\/?$/, "")
    const { keys } = await keySets.discover({ url, caPem: settings.caCert, allowPrivateAddresses })
    const claims = await verifyWithKeySet(keys, jwt, now)
    requireBounds(claims, settings, unauthorized)
    return { subject: claims.sub ?? "" }
  },
}

function required(field: string, what: string): AppError {
  return new AppError("invalid", "BadRequest", `${field} is required: ${what}`)
}
