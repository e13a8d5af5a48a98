/**
 * The two ways to serve a request: `answerRead` (durable audit first, made again if the data moved) and
 * `writeInProject` / `writeInOrganization` (one transaction, rights of the moment, audit in the same commit).
 * Knows no feature and no HTTP.
 */
export { auditEvent, isRecorded, type MetadataOf, refusalEvent } from "./audit.ts"
export { type AnswerBasis, answerRead, type ReadDeps, ReadScope } from "./read.ts"
export { WarmAnswers } from "./warm-answers.ts"
export {
  endEpoch,
  type OrganizationWrite,
  otherOrganization,
  type ProjectWrite,
  projectNotFound,
  writeInOrganization,
  writeInProject,
} from "./write.ts"
