/**
 * The `error` field of every error answer (contract 0.3): stable names that clients and documentation may rely on.
 */
import { z } from "zod"

export const errorCodes = {
  BadRequest: "The request is well-formed but asks for something that cannot be done.",
  ValidationFailure: "A field of the request is missing or has the wrong form; `details` names each field.",
  CreateSecret: "The secret could not be created, usually because it exists.",
  UpdateSecret: "The secret could not be changed, usually because the new name is taken.",
  DeleteSecret: "The secret could not be deleted.",
  CreateFolder: "The folder could not be created.",
  UpdateFolder: "The folder could not be changed, usually because the new name is taken.",
  DeleteFolder: "The folder could not be deleted, usually because it is not empty.",
  TokenMissing: "The route needs an access token and none was sent.",
  UnauthorizedError: "The credentials are wrong, expired, revoked or used up.",
  SecondFactorRequired: "The person has a second factor and has not shown it in this session yet.",
  TokenError: "The access token is malformed or was not signed by this server.",
  ForbiddenError: "The caller is known but may not use this resource.",
  PermissionDenied: "The caller's role does not allow the action; `details` lists what it does allow.",
  PermissionBoundaryError:
    "The caller tried to hand out more than it holds; `details` lists what is missing.",
  Conflict: "Someone else changed the same thing at the same time; nothing was done, trying again is safe.",
  RestoreConflict:
    "Something that exists now stands in the way of a restore; `details` says what to do about each.",
  RestoreOutdated: "The project changed since the preview of the restore; ask for a new preview.",
  ArchiveRefused:
    "The archive of a project cannot be read or imported; the message says why, and nothing was imported.",
  NotFound: "The object does not exist. The message says which kind of object is missing.",
  PayloadTooLarge: "The body is larger than the server accepts (1 MiB).",
  UrlTooLong: "The URL is longer than the server accepts; long input belongs into the body.",
  HeadersTooLarge: "The request has more or larger headers than the server accepts.",
  RequestTimeout: "The request did not arrive completely in time.",
  UnsupportedMediaType: "The body is not JSON, or its content type does not say so, or it is compressed.",
  RateLimitExceeded: "Too many requests; `retry-after` says when to try again.",
  NotReady: "The server does not serve requests now (`GET /api/status`); its log says why.",
  DatabaseUnavailable:
    "The server cannot reach or commit to its database; nothing was changed, trying again is safe.",
  ServiceUnavailable: "The server cannot answer now; nothing was changed, trying again is safe.",
  InternalServerError: "The server failed in an unforeseen way; its log has the request id.",
} as const

export type ErrorCode = keyof typeof errorCodes

/** The body of every error answer. */
export const errorAnswer = z.object({
  reqId: z.string(),
  statusCode: z.int(),
  message: z.string(),
  error: z.string(),
  details: z.unknown().optional(),
})
export type ErrorAnswer = z.infer<typeof errorAnswer>

/** One wrong field: the shape of `details` in a 422. It never holds the value that was sent. */
export type FieldProblem = {
  readonly code: string
  readonly path: readonly (string | number)[]
  readonly message: string
}
