/** People: logging in, sessions, passwords (contract 1.13). */
import { z } from "zod"
import {
  emailAddress,
  id,
  password,
  queryInteger,
  queryText,
  requiredText,
  text,
  timestamp,
} from "./fields.ts"

/** POST /v3/auth/login */
export const loginBody = z.object({
  email: emailAddress,
  password,
  captchaToken: text.optional(),
  providerAuthToken: text.optional(),
})
export type LoginBody = z.input<typeof loginBody>
export const loginAnswer = z.object({ accessToken: z.string() })

/** POST /v3/auth/select-organization, with the token of the login. */
export const selectOrganizationBody = z.object({
  organizationId: requiredText.max(64),
  /** `cli` gets an access token that lives as long as a command line needs it. */
  userAgent: text.optional(),
})
export type SelectOrganizationBody = z.input<typeof selectOrganizationBody>
export const selectOrganizationAnswer = z.object({
  token: z.string(),
  /** True when the token opens nothing until a code was sent to POST /v2/auth/mfa/verify. */
  isMfaEnabled: z.boolean(),
  mfaMethod: z.enum(["totp", "webauthn"]).optional(),
})
export type SelectOrganizationAnswer = z.infer<typeof selectOrganizationAnswer>

/** What the access token of a person says about itself, once an organization was chosen (contract 2.2). */
export const userTokenClaims = z.object({
  authTokenType: z.literal("accessToken"),
  userId: id,
  email: z.string(),
  organizationId: id,
  tokenVersionId: id,
})

/** POST /v1/auth/token, with the session cookie. */
export const refreshAnswer = z.object({ token: z.string(), organizationId: id.optional() })
export const logoutAnswer = z.object({ message: z.literal("Successfully logged out") })
export const checkAuthAnswer = z.object({ message: z.literal("Authenticated") })

/** GET /v1/organization */
export const organizationListAnswer = z.object({
  organizations: z.array(z.object({ id, name: z.string(), slug: z.string(), userRole: z.string() })),
})
export type OrganizationListAnswer = z.infer<typeof organizationListAnswer>

/** Passwords that people choose from now on. Length is what counts; anything else is up to them. */
export const newPassword = password.min(10, "must have at least 10 characters")

/** POST /coffer/v1/me/password */
export const changePasswordBody = z.object({ oldPassword: password, newPassword })
export type ChangePasswordBody = z.input<typeof changePasswordBody>
export const changePasswordAnswer = z.object({ endedSessions: z.int() })

/** One login that is still open. */
export const userSession = z.object({
  id,
  createdAt: timestamp,
  /** When it last got a new access token. */
  lastActiveAt: timestamp,
  expiresAt: timestamp,
  ipAddress: z.string(),
  userAgent: z.string(),
  authMethod: z.string(),
  secondFactor: z.string().nullable(),
  /** True for the session that asks. */
  isCurrent: z.boolean(),
})
export type UserSession = z.infer<typeof userSession>
/** GET /coffer/v1/me/sessions, GET /coffer/v1/users/:userId/sessions */
export const userSessionListAnswer = z.object({ sessions: z.array(userSession) })
/** DELETE of one session, or of all (of one's own: of all others). */
export const endedSessionsAnswer = z.object({ endedSessions: z.int() })

export const organizationRole = z.enum(["admin", "member", "no-access"])
export type OrganizationRole = z.infer<typeof organizationRole>

/** Somebody who belongs to the organization. */
export const organizationUser = z.object({
  id,
  email: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  role: z.string(),
  isActive: z.boolean(),
  hasPassword: z.boolean(),
  hasSecondFactor: z.boolean(),
  joinedAt: timestamp,
  /** The newest login that is still remembered. */
  lastLoginAt: timestamp.nullable(),
})
export type OrganizationUser = z.infer<typeof organizationUser>
/** GET /coffer/v1/users */
export const userListQuery = z.object({
  /** Part of an e-mail address. */
  email: queryText,
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
})
export const userListAnswer = z.object({ users: z.array(organizationUser), totalCount: z.int() })
/** GET, PATCH, DELETE /coffer/v1/users/:userId */
export const updateUserBody = z
  .object({ role: organizationRole.optional(), isActive: z.boolean().optional() })
  .refine((body) => body.role !== undefined || body.isActive !== undefined, "must name role or isActive")
export type UpdateUserBody = z.input<typeof updateUserBody>
export const oneUserAnswer = z.object({ user: organizationUser })

/** POST /coffer/v1/users/:userId/password-reset: to be handed over, it is shown this once. */
export const passwordResetAnswer = z.object({ token: z.string(), expiresAt: timestamp })
/** POST /coffer/v1/auth/password-reset, by whoever got the token. */
export const resetPasswordBody = z.object({ token: requiredText.max(256), newPassword })
export type ResetPasswordBody = z.input<typeof resetPasswordBody>
export const resetPasswordAnswer = z.object({ email: z.string(), endedSessions: z.int() })
export const unlockUserAnswer = z.object({ message: z.literal("The user may try again") })

/**
 * A one-time password or a recovery code in its canonical form: without spaces and dashes, lower case, in plain digits.
 * Variants of one code are one code.
 */
export const factorCode = z
  .string()
  .max(200)
  .transform((code) =>
    code
      .normalize("NFKC")
      .replace(/[\s\p{Pd}\p{Cf}]/gu, "")
      .toLowerCase(),
  )
  .pipe(z.string().regex(/^[a-z0-9]{6,32}$/, "must be a one-time password of six digits, or a recovery code"))

/** POST /v2/auth/mfa/verify, with the token of the login; what else clients send is ignored. */
export const verifyMfaBody = z.object({ mfaToken: factorCode })
export type VerifyMfaBody = z.input<typeof verifyMfaBody>
export const verifyMfaAnswer = z.object({ token: z.string() })

/** GET /coffer/v1/me/second-factors */
export const secondFactorsAnswer = z.object({
  totp: z.object({ isConfirmed: z.boolean(), createdAt: timestamp }).nullable(),
  recoveryCodesLeft: z.int(),
})
export type SecondFactorsAnswer = z.infer<typeof secondFactorsAnswer>

/** POST /coffer/v1/me/totp: the password is asked for when there is one. */
export const enrolTotpBody = z.object({ password: password.optional() })
export type EnrolTotpBody = z.input<typeof enrolTotpBody>
/** The secret is shown this once: `uri` as a QR code, `secret` to type. */
export const enrolTotpAnswer = z.object({ secret: z.string(), uri: z.string() })
/** POST /coffer/v1/me/totp/confirm, DELETE /coffer/v1/me/totp, POST /coffer/v1/me/recovery-codes */
export const factorCodeBody = z.object({ code: factorCode })
export type FactorCodeBody = z.input<typeof factorCodeBody>
/** Recovery codes are shown this once. */
export const recoveryCodesAnswer = z.object({ recoveryCodes: z.array(z.string()) })
export const removedFactorAnswer = z.object({ message: z.literal("The second factor is removed") })

/** What a browser made of a challenge, as WebAuthn's `toJSON` writes it. The library that verifies it judges the rest. */
const credentialId = z.string().regex(/^[A-Za-z0-9_-]{1,1400}$/, "must be a credential id in base64url")
const encodedBytes = z.string().max(65_536)
const publicKeyCredential = {
  id: credentialId,
  rawId: credentialId,
  type: z.literal("public-key"),
  clientExtensionResults: z.looseObject({}).default({}),
}
/** Of a new passkey. */
export const passkeyCreation = z.object({
  ...publicKeyCredential,
  response: z.object({
    clientDataJSON: encodedBytes,
    attestationObject: encodedBytes,
    transports: z.array(z.string().max(32)).max(10).default([]),
  }),
})
/** Of a passkey that is there. */
export const passkeyAssertion = z.object({
  ...publicKeyCredential,
  response: z.object({
    clientDataJSON: encodedBytes,
    authenticatorData: encodedBytes,
    signature: encodedBytes,
    userHandle: z
      .string()
      .max(256)
      .nullish()
      .transform((handle) => handle ?? undefined),
  }),
})

export type PasskeyAssertion = z.output<typeof passkeyAssertion>

/** POST /coffer/v1/me/passkeys/options: the password is asked for when there is one. */
export const beginPasskeyBody = z.object({ password: password.optional() })
export type BeginPasskeyBody = z.input<typeof beginPasskeyBody>
/** `options` go to the browser, `challengeToken` comes back with its answer, within five minutes. */
export const passkeyOptionsAnswer = z.object({ options: z.looseObject({}), challengeToken: z.string() })
const challengeToken = requiredText.max(4_096)
const passkeyName = requiredText.max(100)
/** POST /coffer/v1/me/passkeys */
export const registerPasskeyBody = z.object({ name: passkeyName, challengeToken, response: passkeyCreation })
export type RegisterPasskeyBody = z.input<typeof registerPasskeyBody>
const passkey = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: timestamp,
  lastUsedAt: timestamp.nullable(),
})
export type Passkey = z.infer<typeof passkey>
/** `recoveryCodes` are there when the person had none; they are shown this once. */
export const registeredPasskeyAnswer = z.object({ passkey, recoveryCodes: z.array(z.string()) })
export const passkeyListAnswer = z.object({ passkeys: z.array(passkey) })
/** PATCH and DELETE /coffer/v1/me/passkeys/:passkeyId */
export const renamePasskeyBody = z.object({ name: passkeyName })
export const passkeyAnswer = passkey.pick({ id: true, name: true })
export const removePasskeyBody = z.object({ password: password.optional() })
/** POST /coffer/v1/auth/passkey/login and /coffer/v1/auth/passkey/second-factor */
export const answerPasskeyBody = z.object({ challengeToken, response: passkeyAssertion })
