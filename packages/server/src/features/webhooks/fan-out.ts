import {
  findCursor,
  listProjectsBehind,
  moveCursor,
  type ProjectEvent,
  readFeed,
} from "../../events/index.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import { insertDeliveries, type NewDelivery } from "./deliveries-store.ts"
import { isTold, modified } from "./domain.ts"
import { type Author, findAuthor, listWebhooks } from "./store.ts"

/** The name of the webhooks' cursors in the change feed. */
export const consumer = "webhooks"

/**
 * Turns what is new in the change feed into deliveries. Deliveries and the cursor commit together, so a crash or a
 * second process repeats nothing and leaves nothing out.
 */
export async function fanOut(deps: ReadDeps): Promise<void> {
  for (const projectId of await listProjectsBehind(deps.database.reader, consumer)) {
    while (await fanOutPage(deps, projectId));
  }
}

/** @returns true when there may be more */
async function fanOutPage(deps: ReadDeps, projectId: string): Promise<boolean> {
  const { reader } = deps.database
  const cursor = await findCursor(reader, projectId, consumer)
  if (cursor === undefined) return false
  const page = await readFeed(deps, projectId, { revision: cursor })
  if (page === undefined) return false
  const deliveries = await deliveriesOf(deps, projectId, page.events)
  const from = { projectId, consumer, revision: cursor }
  await deps.database.write(async ({ db }) => {
    if (await moveCursor(db, from, page.upTo)) await insertDeliveries(db, deliveries)
  })
  return true
}

/** One for each webhook, revision and folder. */
async function deliveriesOf(
  deps: ReadDeps,
  projectId: string,
  events: readonly ProjectEvent[],
): Promise<NewDelivery[]> {
  const { reader } = deps.database
  const webhooks = (await listWebhooks(reader, projectId)).filter((webhook) => !webhook.isDisabled)
  const authors = new Map<number, Author>()
  const made = new Map<string, NewDelivery>()
  for (const event of events) {
    for (const webhook of webhooks.filter((one) => isTold(one, event))) {
      const author = authors.get(event.revision) ?? (await findAuthor(reader, projectId, event.revision))
      authors.set(event.revision, author)
      const delivery = {
        id: deps.random.uuid(),
        webhookId: webhook.id,
        projectId,
        event: modified,
        revision: event.revision,
        environment: event.environment,
        secretPath: event.path,
        author,
        createdAt: deps.clock.now(),
      }
      const name = `${webhook.id} ${event.revision} ${event.path}`
      if (!made.has(name)) made.set(name, delivery)
    }
  }
  return [...made.values()]
}
