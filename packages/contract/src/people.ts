/** People: logging in, sessions, passwords (contract 1.13). */
import { z } from "zod"
import { emailAddress, id, password, requiredText, text } from "./fields.ts"

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
