/** The first run of an instance, and whether it is alive. */
import {
  adminConfigAnswer,
  type BootstrapAnswer,
  type BootstrapBody,
  bootstrapAnswer,
  type StatusAnswer,
  setupTokenHeader,
  statusAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

/** What both Coffer and Infisical say about themselves. */
const status = statusAnswer.pick({ date: true, message: true })
export type Status = Pick<StatusAnswer, "date" | "message">

const initialization = adminConfigAnswer.shape.config.pick({ initialized: true })
const config = adminConfigAnswer.extend({ config: initialization })

export type BootstrapOptions = {
  /** The token that the server printed at its first start; not needed from the same machine. */
  readonly setupToken?: string | undefined
}

export function adminArea(transport: Transport) {
  return {
    /** Whether {@link bootstrap} has been called already. */
    isSetUp: async (): Promise<boolean> => {
      const answer = { schema: config, anonymous: true } as const
      const found = await transport.call({ method: "GET", path: "/api/v1/admin/config", ...answer })
      return found.config.initialized
    },

    /**
     * Creates the first user, the organization and the admin identity.
     *
     * @throws ApiError "conflict" when the instance has been set up already
     */
    bootstrap: (
      body: Omit<BootstrapBody, "setupToken">,
      options: BootstrapOptions = {},
    ): Promise<BootstrapAnswer> =>
      transport.call({
        method: "POST",
        path: "/api/v1/admin/bootstrap",
        body,
        schema: bootstrapAnswer,
        anonymous: true,
        ...(options.setupToken === undefined ? {} : { headers: { [setupTokenHeader]: options.setupToken } }),
      }),
  }
}

export function statusArea(transport: Transport) {
  return {
    /** Answers only when the server is ready. */
    get: (): Promise<Status> =>
      transport.call({ method: "GET", path: "/api/status", schema: status, anonymous: true }),
  }
}
