/** GET /status (contract 7.1): no auth, never rate limited; `message` is exactly `Ok`. */
import { z } from "zod"
import { timestamp } from "./fields.ts"

export const statusAnswer = z.object({
  date: timestamp,
  message: z.literal("Ok"),
  emailConfigured: z.boolean(),
  inviteOnlySignup: z.boolean(),
  redisConfigured: z.boolean(),
  secretScanningConfigured: z.boolean(),
  maxIdentityAccessTokenTTL: z.int(),
})
export type StatusAnswer = z.infer<typeof statusAnswer>
