import type { OpenTestStorage } from "@coffer/testkit"
import { aMachine, anInstance, type Machine } from "./test-app.ts"
import { Workbench } from "./workbench.ts"

export type ClientStand = {
  readonly bench: Workbench
  readonly origin: string
  readonly slug: string
  readonly machine: Machine
}

/** A listening server with a project, for clients that come over a socket; `run` gets it, and it ends afterwards. */
export async function atAStand(
  open: OpenTestStorage,
  run: (stand: ClientStand) => Promise<void>,
  of: { readonly role?: string; readonly settings?: Readonly<Record<string, unknown>> } = {},
): Promise<void> {
  const instance = await anInstance(await open())
  const { project } = await instance.test.ok("POST", "/v1/projects", {
    token: instance.adminToken,
    body: { projectName: "Billing API", slug: "billing-api-k3x9" },
  })
  const { role = "admin", settings } = of
  const machine = await aMachine(instance, {
    project: project.id,
    role,
    ...(settings === undefined ? {} : { settings }),
  })
  const origin = await instance.test.app.http.listen({ host: "127.0.0.1", port: 0 })
  const disconnect = instance.test.app.features.signal.connect()
  try {
    await run({ bench: new Workbench(instance, project.id), origin, slug: project.slug, machine })
  } finally {
    disconnect()
    await instance.test.app.http.close()
  }
}

/** A test body that runs at a stand. */
export type AtAStand = (
  run: (stand: ClientStand) => Promise<void>,
  of?: Parameters<typeof atAStand>[2],
) => () => Promise<void>
