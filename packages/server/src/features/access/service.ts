import type { Session } from "../../actor.ts"
import { type ActorRecord, findFolder, type ProjectSnapshot } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { answerRead, type ReadDeps } from "../../use-case/index.ts"
import {
  type Action,
  authorize,
  type Explanation,
  explain,
  type Resource,
  type Subject,
} from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"

export type AccessQuestion = {
  readonly projectId: string
  readonly actorType: "identity" | "user"
  readonly actorId: string
  readonly subject: Subject
  readonly action: Action
  readonly environment?: string | undefined
  readonly secretPath: string
  readonly secretName?: string | undefined
}

export type AccessAnswer = {
  readonly actor: Pick<ActorRecord, "kind" | "id" | "name">
  readonly resource: Resource
  /** `undefined` when the actor does not belong to the project. */
  readonly explanation: Explanation | undefined
}

/**
 * Why an actor may do something in a project, or not. Whoever may see the members and their roles may ask.
 *
 * @throws AppError "not-found" when the organization has no such actor
 */
export async function explainAccess(
  deps: ReadDeps,
  session: Session,
  question: AccessQuestion,
): Promise<AccessAnswer> {
  const { projectId } = question
  return await answerRead(deps, session, async (scope) => {
    const snapshot = await projectForRead(scope, { kind: "id", id: projectId })
    const at = { projectId, now: scope.now }
    authorize(scope.session.actor, "read", memberSubject(question), at)
    authorize(scope.session.actor, "read", "role", at)
    const record = await deps.actors.reload(question.actorId)
    const organization = record?.organizations.get(scope.session.actor.orgId)
    if (record === undefined || organization === undefined || record.kind !== question.actorType) {
      throw new AppError(
        "not-found",
        "NotFound",
        `No ${question.actorType} with ID '${question.actorId}' found`,
      )
    }
    const resource = await resourceOf(snapshot, question)
    const grants = organization.memberships.get(projectId)
    const { action, subject } = question
    const explanation =
      grants === undefined ? undefined : explain(grants, { action, subject, resource, now: scope.now })
    scope.audit("explain-access", projectId, {
      actorType: record.kind,
      actorId: record.id,
      action,
      subject,
      isAllowed: explanation?.isAllowed ?? false,
      ...(question.environment === undefined ? {} : { environment: question.environment }),
      secretPath: question.secretPath,
      ...(question.secretName === undefined ? {} : { secretKey: question.secretName }),
    })
    return { actor: record, resource, explanation }
  })
}

function memberSubject({ actorType }: AccessQuestion): "member" | "identity" {
  return actorType === "user" ? "member" : "identity"
}

/** What rules see of the place, with the tags of the secret when it is there. */
async function resourceOf(snapshot: ProjectSnapshot, question: AccessQuestion): Promise<Resource> {
  const { environment, secretPath, secretName } = question
  const place = {
    ...(environment === undefined ? {} : { environment, secretPath }),
    ...(secretName === undefined ? {} : { secretName }),
  }
  const { structure } = snapshot
  const known = structure.environments.find(({ slug }) => slug === environment)
  if (known === undefined || secretName === undefined) return place
  const folder = findFolder(structure, known.id, secretPath)
  if (folder === undefined) return place
  const record = (await snapshot.secretsOf(folder.id)).byKey.get(secretName)
  if (record === undefined) return place
  return { ...place, secretTags: record.tagIds.flatMap((id) => structure.tags.get(id)?.slug ?? []) }
}
