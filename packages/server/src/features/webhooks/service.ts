import type { Session } from "../../actor.ts"
import { type EnvironmentRecord, findEnvironment, type ProjectStructure } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { removeCursor, startCursor } from "../../events/index.ts"
import { judgeUrl, OutboundError } from "../../outbound/index.ts"
import { answerRead, type ProjectWrite, type ReadScope, writeInProject } from "../../use-case/index.ts"
import { authorize, authorizeOrNot, rightsFingerprint } from "../authorization/index.ts"
import { projectForRead, requireEnvironment } from "../project-access/index.ts"
import { type DeliverDeps, deliver } from "./deliver.ts"
import { type DeliveryReport, dropPending, insertDeliveries, listDeliveries } from "./deliveries-store.ts"
import { consumer } from "./fan-out.ts"
import { openUrl, sealTarget } from "./sealing.ts"
import {
  findWebhook,
  insertWebhook,
  listWebhooks,
  removeWebhook,
  updateWebhook,
  type WebhookRecord,
} from "./store.ts"
import { leaseMs } from "./worker.ts"

export type { DeliveryReport } from "./deliveries-store.ts"

export type ShownWebhook = { readonly webhook: WebhookRecord; readonly environment: EnvironmentRecord }
export type ListedWebhook = ShownWebhook & { readonly url: string }

export type NewWebhook = Pick<WebhookRecord, "type" | "secretPath" | "eventsFilter"> & {
  readonly projectId: string
  readonly environment: string
  readonly url: string
  readonly key: string | undefined
}

const maxPerProject = 100

/**
 * Starts telling an address of changes, from now on.
 *
 * @throws AppError "not-found" when project or environment is missing, "invalid" when the project has too many
 * or when the address can never be reached from here
 */
export async function createWebhook(
  deps: DeliverDeps,
  session: Session,
  input: NewWebhook,
): Promise<ShownWebhook> {
  const { projectId, secretPath } = input
  requireDestination(deps, input.url)
  await deps.keyring.forProject(projectId).catch(() => undefined)
  return await writeInProject(deps, session, projectId, async (write) => {
    const environment = requireEnvironment(write.structure, input.environment)
    const resource = { environment: environment.slug, secretPath }
    authorize(write.actor, "create", "webhooks", { projectId, now: write.now, resource })
    if ((await listWebhooks(write.db, projectId)).length >= maxPerProject) throw tooMany()
    const sealer = await deps.keyring.forProject(projectId, write.db)
    const opener = { sealer, orgId: write.actor.orgId }
    const named = { id: deps.random.uuid(), projectId }
    const webhook: WebhookRecord = {
      ...named,
      ...sealTarget(opener, named, { url: input.url, key: input.key }),
      environmentId: environment.id,
      secretPath,
      type: input.type,
      eventsFilter: input.eventsFilter,
      isDisabled: false,
      lastStatus: null,
      lastRunError: null,
      lastRunAt: null,
      createdAt: write.now,
      updatedAt: write.now,
    }
    await insertWebhook(write.db, webhook, write.actor)
    await startCursor(write.db, { projectId, consumer, revision: write.revision })
    write.audit("create-webhook", about({ webhook, environment }))
    return { webhook, environment }
  })
}

/** Switches a webhook off or on, or changes what it is told of; what it was not told yet while off is dropped. */
export async function changeWebhook(
  deps: DeliverDeps,
  session: Session,
  input: {
    readonly webhookId: string
    readonly isDisabled: boolean | undefined
    readonly eventsFilter: readonly string[] | undefined
  },
): Promise<ShownWebhook> {
  return await atWebhook(deps, session, input.webhookId, "edit", async (write, shown) => {
    const webhook = {
      ...shown.webhook,
      isDisabled: input.isDisabled ?? shown.webhook.isDisabled,
      eventsFilter: input.eventsFilter ?? shown.webhook.eventsFilter,
      updatedAt: write.now,
    }
    await updateWebhook(write.db, webhook)
    if (webhook.isDisabled) await dropPending(write.db, webhook.id, write.now)
    write.audit("update-webhook", about({ ...shown, webhook }))
    return { ...shown, webhook }
  })
}

/** Deletes a webhook with the log of its deliveries. */
export async function deleteWebhook(
  deps: DeliverDeps,
  session: Session,
  webhookId: string,
): Promise<ShownWebhook> {
  return await atWebhook(deps, session, webhookId, "delete", async (write, shown) => {
    await removeWebhook(write.db, webhookId)
    const left = await listWebhooks(write.db, write.projectId)
    if (left.length === 0) await removeCursor(write.db, write.projectId, consumer)
    write.audit("delete-webhook", about(shown))
    return shown
  })
}

/** Webhooks of a project, with addresses for those who may change them, and what the list was made from. */
export async function findWebhooks(
  deps: DeliverDeps,
  session: Session,
  of: {
    readonly projectId: string
    readonly environment: string | undefined
    readonly secretPath: string | undefined
  },
): Promise<{ readonly webhooks: readonly ListedWebhook[]; readonly seed: string }> {
  const { projectId } = of
  return await answerRead(deps, session, async (scope) => {
    const snapshot = await projectForRead(scope, { kind: "id", id: projectId })
    const at = { projectId, now: scope.now }
    authorize(scope.session.actor, "read", "webhooks", at)
    const mayEdit = authorizeOrNot(scope.session.actor, "edit", "webhooks", at) !== undefined
    const sealer = await deps.keyring.forProject(projectId)
    const opener = { sealer, orgId: scope.session.actor.orgId }
    const found = (await listWebhooks(scope.reader, projectId))
      .flatMap((webhook) => show(snapshot.structure, webhook) ?? [])
      .filter(({ environment }) => of.environment === undefined || environment.slug === of.environment)
      .filter(({ webhook }) => of.secretPath === undefined || webhook.secretPath === of.secretPath)
    const webhooks = found.map((shown) => ({ ...shown, url: mayEdit ? openUrl(opener, shown.webhook) : "" }))
    scope.audit("get-webhooks", projectId, { numberOfWebhooks: webhooks.length })
    const runs = webhooks.map(({ webhook }) => [
      webhook.id,
      webhook.updatedAt,
      webhook.lastRunAt,
      webhook.lastStatus,
    ])
    const rights = rightsFingerprint(scope.session.actor, projectId, scope.now)
    return { webhooks, seed: JSON.stringify([projectId, snapshot.revision, rights, runs]) }
  })
}

/** Tells a webhook something now, and says how it went; nothing of the project has to change for it. */
export async function testWebhook(
  deps: DeliverDeps,
  session: Session,
  webhookId: string,
): Promise<ShownWebhook> {
  const shown = await answerRead(deps, session, async (scope) => {
    const found = await webhookForRead(scope, webhookId, "edit")
    scope.audit("test-webhook", found.webhook.projectId, about(found))
    return found
  })
  const { webhook, environment } = shown
  const now = deps.clock.now()
  const lease = { holder: deps.random.uuid(), until: now + leaseMs }
  const delivery = {
    id: deps.random.uuid(),
    webhookId,
    projectId: webhook.projectId,
    event: "test",
    environment: environment.slug,
    secretPath: webhook.secretPath,
    author: { type: session.actor.kind, name: session.actor.name },
  }
  await deps.database.write(({ db }) =>
    insertDeliveries(db, [{ ...delivery, revision: null, createdAt: now, lease }]),
  )
  await deliver(deps, { ...delivery, attempts: 0 }, { holder: lease.holder, isLast: true })
  const after = await findWebhook(deps.database.reader, webhookId)
  return { environment, webhook: after ?? webhook }
}

/** What a webhook was told, or is to be told, and how every attempt went; the newest first. */
export async function findDeliveries(
  deps: DeliverDeps,
  session: Session,
  of: { readonly webhookId: string; readonly offset: number; readonly limit: number },
): Promise<readonly DeliveryReport[]> {
  return await answerRead(deps, session, async (scope) => {
    const { webhook } = await webhookForRead(scope, of.webhookId, "read")
    const deliveries = await listDeliveries(scope.reader, of.webhookId, of)
    const metadata = { webhookId: of.webhookId, numberOfDeliveries: deliveries.length }
    scope.audit("get-webhook-deliveries", webhook.projectId, metadata)
    return deliveries
  })
}

async function webhookForRead(
  scope: ReadScope,
  webhookId: string,
  action: "read" | "edit",
): Promise<ShownWebhook> {
  const webhook = await findWebhook(scope.reader, webhookId)
  if (webhook === undefined) throw webhookNotFound(webhookId)
  const { structure } = await projectForRead(scope, { kind: "id", id: webhook.projectId })
  const shown = show(structure, webhook)
  if (shown === undefined) throw webhookNotFound(webhookId)
  const resource = { environment: shown.environment.slug, secretPath: webhook.secretPath }
  const at = { projectId: webhook.projectId, now: scope.now, resource }
  authorize(scope.session.actor, action, "webhooks", at)
  return shown
}

async function atWebhook(
  deps: DeliverDeps,
  session: Session,
  webhookId: string,
  action: "edit" | "delete",
  work: (write: ProjectWrite, shown: ShownWebhook) => Promise<ShownWebhook>,
): Promise<ShownWebhook> {
  const known = await findWebhook(deps.database.reader, webhookId)
  if (known === undefined) throw webhookNotFound(webhookId)
  const { projectId } = known
  return await writeInProject(deps, session, projectId, async (write) => {
    const webhook = await findWebhook(write.db, webhookId)
    const shown = webhook === undefined ? undefined : show(write.structure, webhook)
    const resource =
      shown === undefined ? {} : { environment: shown.environment.slug, secretPath: shown.webhook.secretPath }
    authorize(write.actor, action, "webhooks", { projectId, now: write.now, resource })
    if (shown === undefined) throw webhookNotFound(webhookId)
    return await work(write, shown)
  })
}

function show(structure: ProjectStructure, webhook: WebhookRecord): ShownWebhook | undefined {
  const slug = structure.environments.find((one) => one.id === webhook.environmentId)?.slug
  const environment = slug === undefined ? undefined : findEnvironment(structure, slug)
  return environment === undefined ? undefined : { webhook, environment }
}

/** A name may resolve to something else later, and is judged at every delivery; an address stays what it is. */
function requireDestination(deps: DeliverDeps, url: string): void {
  try {
    judgeUrl(url, { allowPrivateAddresses: deps.allowInternalConnections })
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw new AppError("invalid", "BadRequest", `webhookUrl: ${error.message}`)
  }
}

function about({ webhook, environment }: ShownWebhook) {
  const { id: webhookId, secretPath, type, isDisabled } = webhook
  return { webhookId, environment: environment.slug, secretPath, type, isDisabled }
}

function webhookNotFound(id: string): AppError {
  return new AppError("not-found", "NotFound", `Webhook with ID '${id}' not found`)
}

function tooMany(): AppError {
  const message = `A project may have ${maxPerProject} webhooks; delete one that is not needed`
  return new AppError("invalid", "BadRequest", message)
}
