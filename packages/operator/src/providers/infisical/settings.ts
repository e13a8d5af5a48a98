/** The settings of an `infisical` store, checked, and what follows from them: API base, folders of keys. */
import { posix } from "node:path"
import { z } from "zod"
import { StoreConfigError } from "../provider.ts"

const selector = z.object({
  name: z.string().optional(),
  namespace: z.string().optional(),
  key: z.string().optional(),
})

const settingsSchema = z.object({
  hostAPI: z.string().default("https://app.infisical.com/api"),
  caBundle: z.string().optional(),
  caProvider: z
    .object({
      type: z.enum(["Secret", "ConfigMap"]),
      name: z.string(),
      key: z.string().optional(),
      namespace: z.string().optional(),
    })
    .optional(),
  auth: z.object({
    universalAuthCredentials: z.object({ clientId: selector, clientSecret: selector }).optional(),
    azureAuthCredentials: z.unknown().optional(),
    gcpIdTokenAuthCredentials: z.unknown().optional(),
    gcpIamAuthCredentials: z.unknown().optional(),
    jwtAuthCredentials: z.object({ identityId: selector, jwt: selector }).optional(),
    ldapAuthCredentials: z.unknown().optional(),
    ociAuthCredentials: z.unknown().optional(),
    kubernetesAuthCredentials: z
      .object({ identityId: selector, serviceAccountTokenPath: selector.optional() })
      .optional(),
    awsAuthCredentials: z.unknown().optional(),
    tokenAuthCredentials: z.object({ accessToken: selector }).optional(),
  }),
  secretsScope: z.object({
    projectSlug: z.string(),
    environmentSlug: z.string(),
    organizationSlug: z.string().default(""),
    secretsPath: z.string().default("/"),
    recursive: z.boolean().default(false),
    expandSecretReferences: z.boolean().default(true),
  }),
})

export type InfisicalSettings = z.infer<typeof settingsSchema>

/** Checks the settings as stored. Throws {@link StoreConfigError} naming the fields. */
export function parseSettings(settings: unknown): InfisicalSettings {
  const parsed = settingsSchema.safeParse(settings)
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")
    throw new StoreConfigError(`invalid settings of provider infisical: ${fields}`)
  }
  const { projectSlug, environmentSlug } = parsed.data.secretsScope
  if (!projectSlug || !environmentSlug) {
    throw new StoreConfigError("secretsScope.projectSlug and secretsScope.environmentSlug cannot be empty")
  }
  return parsed.data
}

/** The address below which all calls go: `hostAPI` without trailing slashes, ending in `/api`. */
export function apiBase(hostApi: string): string {
  if (!URL.canParse(hostApi) || !/^https?:$/.test(new URL(hostApi).protocol)) {
    throw new StoreConfigError(`hostAPI ${JSON.stringify(hostApi)} is not an http or https address`)
  }
  const trimmed = hostApi.replace(/\/+$/, "")
  return trimmed.endsWith("/api") ? trimmed : `${trimmed}/api`
}

export type SecretLocation = { readonly folder: string; readonly name: string }

/** Where a key points: plain names to the store's folder, `/a/b` absolute, `a/b` below the store's folder. */
export function locateKey(secretsPath: string, key: string): SecretLocation {
  const slash = key.lastIndexOf("/")
  if (slash < 0) return { folder: secretsPath, name: key }
  const name = key.slice(slash + 1)
  if (key.startsWith("/")) return { folder: key.slice(0, slash) || "/", name }
  return { folder: posix.join(secretsPath, key.slice(0, slash)), name }
}
