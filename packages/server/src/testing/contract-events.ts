/** Section 5 of the contract, written out: every type of event that it names, and the metadata it names for each. */
import { z } from "zod"

const id = z.guid()
const place = { environment: z.literal("prod"), secretPath: z.literal("/box") }
const secret = { ...place, secretId: id, secretKey: z.string().min(1), secretVersion: z.int().min(1) }
const secretMetadata = z.array(
  z.union([
    z.strictObject({ key: z.string(), value: z.string(), isEncrypted: z.literal(false) }),
    z.strictObject({
      key: z.string(),
      value: z.literal("<hidden-by-infisical>"),
      isEncrypted: z.literal(true),
    }),
  ]),
)
const writtenSecret = { ...secret, secretMetadata, secretTags: z.array(z.string()) }
const secrets = {
  ...place,
  secrets: z
    .array(z.object({ secretId: id, secretKey: z.string().min(1), secretVersion: z.int().min(1) }))
    .min(2),
}
const folder = {
  environment: z.literal("prod"),
  folderId: id,
  folderName: z.string().min(1),
  folderPath: z.string().startsWith("/"),
}
const secretImport = {
  secretImportId: id,
  importFromEnvironment: z.enum(["dev", "staging"]),
  importFromSecretPath: z.literal("/"),
  importToEnvironment: z.literal("prod"),
  importToSecretPath: z.literal("/box"),
}
const environment = { name: z.string().min(1), slug: z.string().min(1), envId: id }
const project = { name: z.string().min(1), slug: z.string().min(1), id }
const identity = {
  identityId: id,
  name: z.string().min(1),
  hasDeleteProtection: z.boolean(),
  metadata: z.array(z.strictObject({ key: z.string(), value: z.string() })),
}
const membership = { identityId: id, roles: z.array(z.string()).min(1) }
const ranges = z.array(z.string()).min(1)
const universalAuth = {
  identityId: id,
  clientId: z.string().min(1),
  accessTokenTTL: z.int(),
  accessTokenMaxTTL: z.int(),
  accessTokenNumUsesLimit: z.int(),
  accessTokenPeriod: z.int(),
  accessTokenTrustedIps: ranges,
  clientSecretTrustedIps: ranges,
  lockoutEnabled: z.boolean(),
  lockoutThreshold: z.int(),
  lockoutDurationSeconds: z.int(),
  lockoutCounterResetSeconds: z.int(),
}
const failed = { reasonCode: z.string().min(1), message: z.string().min(1) }
const role = {
  roleId: id,
  slug: z.string().min(1),
  name: z.string().min(1),
  /** The text of a JSON array. */
  permissions: z.string().startsWith('[{"subject":'),
}
const webhook = { webhookId: id, ...place }

export const contractEvents = {
  "get-secrets": { ...place, numberOfSecrets: z.int() },
  "get-secret": { ...secret, secretMetadata },
  "create-secret": writtenSecret,
  "update-secret": writtenSecret,
  "delete-secret": secret,
  "create-secrets": secrets,
  "update-secrets": secrets,
  "delete-secrets": secrets,
  "move-secrets": {
    sourceEnvironment: z.literal("prod"),
    sourceSecretPath: z.literal("/box"),
    destinationEnvironment: z.literal("dev"),
    destinationSecretPath: z.literal("/"),
    secretIds: z.array(id).min(1),
  },
  "redact-secret-version-value": { ...secret, secretVersionId: z.string().min(1) },
  "create-folder": folder,
  "update-folder": folder,
  "delete-folder": folder,
  "get-secret-import": secretImport,
  "create-secret-import": secretImport,
  "update-secret-import": secretImport,
  "delete-secret-import": secretImport,
  "create-environment": environment,
  "update-environment": environment,
  "delete-environment": environment,
  "create-project": project,
  "update-project": project,
  "delete-project": project,
  "create-identity": identity,
  "update-identity": identity,
  "delete-identity": identity,
  "create-identity-project-membership": membership,
  "update-identity-project-membership": membership,
  "delete-identity-project-membership": membership,
  "login-identity-universal-auth": {
    identityId: id,
    identityUniversalAuthId: id,
    clientSecretId: id,
    identityAccessTokenId: id,
  },
  "login-identity-universal-auth-failed": {
    clientId: z.string().min(1),
    identityId: id.nullable(),
    ...failed,
  },
  "add-identity-universal-auth": universalAuth,
  "update-identity-universal-auth": universalAuth,
  "get-identity-universal-auth": universalAuth,
  "revoke-identity-universal-auth": universalAuth,
  "create-identity-universal-auth-client-secret": { identityId: id, clientSecretId: id },
  "revoke-identity-universal-auth-client-secret": { identityId: id, clientSecretId: id },
  "clear-identity-universal-auth-lockouts": { identityId: id },
  "login-identity-kubernetes-auth": {
    identityId: id,
    identityKubernetesAuthId: id,
    identityAccessTokenId: id,
  },
  "login-identity-kubernetes-auth-failed": { identityId: id, identityKubernetesAuthId: id, ...failed },
  "login-identity-jwt-auth": { identityId: id, identityJwtAuthId: id, identityAccessTokenId: id },
  "login-identity-jwt-auth-failed": { identityId: id, identityJwtAuthId: id, ...failed },
  "login-identity-oidc-auth": { identityId: id, identityOidcAuthId: id, identityAccessTokenId: id },
  "login-identity-oidc-auth-failed": { identityId: id, identityOidcAuthId: id, ...failed },
  "create-token-identity-token-auth": { identityId: id, identityAccessTokenId: id },
  "create-project-role": role,
  "update-project-role": role,
  "delete-project-role": role,
  "create-webhook": webhook,
  "update-webhook": webhook,
  "delete-webhook": webhook,
  "test-webhook": webhook,
  "webhook-triggered": { ...webhook, status: z.enum(["success", "failed"]) },
  "view-audit-logs": {},
  "permission-denied": {},
} satisfies Record<string, z.ZodRawShape>

export type ContractEventType = keyof typeof contractEvents

/** What the contract names and this server has no operation for. */
export const notServed: Readonly<Record<string, string>> = {
  "reveal-secret": "a value comes with the secret, and that is get-secret",
  "login-identity-token-auth":
    "token auth has no login: its tokens are made, which is create-token-identity-token-auth",
  "login-identity-token-auth-failed": "the same",
  "login-identity-aws-auth": "there is no such method",
  "login-identity-aws-auth-failed": "there is no such method",
}
