/** The first run of an instance (contract 8.2, 8.3). */
import { z } from "zod"
import { emailAddress, id, password, requiredText } from "./fields.ts"

/** POST /v1/admin/bootstrap. From elsewhere than loopback `setupToken` (or the header below) is needed. */
export const bootstrapBody = z.object({
  email: emailAddress,
  password,
  organization: requiredText.max(255),
  setupToken: requiredText.max(256).optional(),
})
export type BootstrapBody = z.input<typeof bootstrapBody>

/** Carries the setup token that the server prints at its first start. */
export const setupTokenHeader = "x-coffer-setup-token"

export const bootstrapAnswer = z.object({
  message: z.literal("Successfully bootstrapped instance"),
  user: z.object({
    username: z.string(),
    firstName: z.string(),
    lastName: z.string(),
    email: z.string(),
    id,
    superAdmin: z.boolean(),
  }),
  organization: z.object({ id, name: z.string(), slug: z.string() }),
  identity: z.object({ id, name: z.string(), credentials: z.object({ token: z.string() }) }),
})
export type BootstrapAnswer = z.infer<typeof bootstrapAnswer>

/** GET /v1/admin/config */
export const adminConfigAnswer = z.object({
  config: z.object({ initialized: z.boolean(), allowSignUp: z.boolean() }),
})
