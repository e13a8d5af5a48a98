/** Reminders of secrets: when a value has been the same for as many days as someone wanted. */
import { z } from "zod"
import { id, queryText, timestamp } from "./fields.ts"

/** GET /coffer/v1/projects/:projectId/reminders; without `dueBy` those that are due now. */
export const dueRemindersQuery = z.object({
  dueBy: queryText
    .refine((time) => time === undefined || !Number.isNaN(Date.parse(time)), "must be an ISO-8601 time")
    .transform((time) => (time === undefined ? undefined : Date.parse(time))),
})
export const remindersAnswer = z.object({
  reminders: z.array(
    z.object({
      secretId: id,
      secretKey: z.string(),
      environment: z.string(),
      secretPath: z.string(),
      note: z.string().nullable(),
      repeatDays: z.int(),
      dueAt: timestamp,
    }),
  ),
})
