/** JWT auth (contract 2.8): any issuer whose keys are known, by address or by heart. */
import type { JwtAuthSettings as Wanted } from "@coffer/contract"
import { AppError } from "../../errors.ts"
import { type Bounds, boundsOf, requireBounds, shownBounds } from "./bound-claims.ts"
import type { ExternalMethod } from "./external-method.ts"
import { forbidden } from "./login-refusal.ts"
import { verifyWithKeySet, verifyWithPublicKeys } from "./verify-jwt.ts"

export type JwtAuth = Bounds & {
  readonly configurationType: "jwks" | "static"
  readonly jwksUrl: string
  readonly jwksCaCert: string
  readonly publicKeys: readonly string[]
}

export const jwtAuth: ExternalMethod<Wanted, JwtAuth> = {
  kind: "jwt-auth",
  title: "JWT auth",
  permission: "edit-identities",
  shownOf: ({ settings }) => ({
    configurationType: settings.configurationType,
    jwksUrl: settings.jwksUrl,
    ...shownBounds(settings),
  }),

  settingsOf(wanted, old) {
    const configurationType = wanted.configurationType ?? old?.configurationType
    const settings = {
      jwksUrl: wanted.jwksUrl ?? old?.jwksUrl ?? "",
      jwksCaCert: wanted.jwksCaCert ?? old?.jwksCaCert ?? "",
      publicKeys: wanted.publicKeys ?? old?.publicKeys ?? [],
      ...boundsOf(withoutAbsent(wanted), old),
    }
    if (configurationType === undefined) throw invalid("configurationType is required: 'jwks' or 'static'")
    if (configurationType === "jwks" && settings.jwksUrl === "") {
      throw invalid("jwksUrl is required with configurationType 'jwks': an http or https URL")
    }
    if (configurationType === "static" && settings.publicKeys.length === 0) {
      throw invalid("publicKeys is required with configurationType 'static': at least one public key in PEM")
    }
    const broken = settings.publicKeys.findIndex(
      (pem) => !/^-----BEGIN PUBLIC KEY-----[\s\S]+-----END PUBLIC KEY-----\s*$/.test(pem.trim()),
    )
    if (broken !== -1) throw invalid(`publicKeys.${broken} must be a public key in PEM (BEGIN PUBLIC KEY)`)
    return { configurationType, ...settings }
  },

  async prove(settings, jwt, context) {
    const { now, allowPrivateAddresses } = context
    const keys = () =>
      context.keySets.keysAt({ url: settings.jwksUrl, caPem: settings.jwksCaCert, allowPrivateAddresses })
    const claims =
      settings.configurationType === "jwks"
        ? await verifyWithKeySet(keys(), jwt, now)
        : await verifyWithPublicKeys(settings.publicKeys, jwt, now)
    requireBounds(claims, settings, forbidden)
    return { subject: claims.sub ?? "" }
  },
}

/** Optional fields of a body that are not there must not hide what was kept. */
export function withoutAbsent(
  wanted: {
    readonly [field in keyof Bounds]?: Bounds[field] | undefined
  },
): Partial<Bounds> {
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
}

function invalid(message: string): AppError {
  return new AppError("invalid", "BadRequest", message)
}
