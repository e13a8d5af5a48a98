import { streamedEvent, subscribeBody, subscribeQuery } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import type { HttpPorts, Routes } from "../../http/index.ts"
import { type StreamAnswer, streamEndpoint } from "../../http/index.ts"
import { EventStream } from "./event-stream.ts"
import { earOf } from "./rights.ts"
import { type SubscribeInput, subscribe } from "./service.ts"
import { type HubDeps, StreamHub } from "./stream-hub.ts"

const stream = { answer: streamedEvent, answerType: "text/event-stream" }

export function eventRoutes(deps: Omit<HubDeps, "recordRefusal">, ports: HttpPorts): Routes {
  return (app) => {
    const hubDeps = { ...deps, recordRefusal: ports.recordRefusal }
    const hub = new StreamHub(hubDeps)
    app.addHook("preClose", (done) => {
      hub.close()
      done()
    })
    app.post(
      "/v1/events/subscribe/project-events",
      streamEndpoint(
        ports,
        { summary: "Subscribe to the changes of a project", body: subscribeBody, ...stream },
        ({ session, body, lastEventId }) => open(hubDeps, hub, session, { ...body, lastEventId }),
      ),
    )
    app.get(
      "/coffer/v1/projects/:projectId/events",
      streamEndpoint(
        ports,
        { summary: "Subscribe to the changes of a project, with a GET", query: subscribeQuery, ...stream },
        ({ session, params, query, lastEventId }) => {
          const { environment, secretPath = "/**", events } = query
          const conditions =
            environment === undefined ? undefined : { environmentSlug: environment, secretPath }
          return open(hubDeps, hub, session, {
            projectId: params["projectId"] ?? "",
            register: events.map((event) => ({ event, conditions })),
            lastEventId: lastEventId ?? query.lastEventId,
          })
        },
      ),
    )
  }
}

async function open(
  deps: HubDeps,
  hub: StreamHub,
  session: Session,
  input: SubscribeInput,
): Promise<StreamAnswer> {
  hub.requireRoom(session.actor.id)
  const subscription = await subscribe(deps, session, input)
  const { revision, hasMissed, projectId } = subscription
  return (response) => {
    const ear = earOf(subscription.session.actor, { projectId, now: deps.clock.now() })
    hub.add(new EventStream(response, subscription, ear), { revision, hasMissed })
  }
}
