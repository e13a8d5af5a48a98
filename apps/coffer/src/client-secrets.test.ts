import type { ClientSecret } from "@coffer/client"
import { expect, it } from "vitest"
import { stateOf } from "./client-secrets.ts"

const createdAt = "2026-01-31T00:00:00.000Z"
const created = Date.parse(createdAt)

function aClientSecret(of: Partial<ClientSecret>): ClientSecret {
  return {
    id: "c1",
    createdAt,
    updatedAt: createdAt,
    description: "",
    clientSecretPrefix: "9b1f",
    clientSecretNumUses: 0,
    clientSecretNumUsesLimit: 0,
    clientSecretTTL: 0,
    isClientSecretRevoked: false,
    ...of,
  }
}

it.for([
  { of: {}, at: created * 2, state: "usable" },
  { of: { clientSecretTTL: 60 }, at: created + 59_999, state: "usable" },
  { of: { clientSecretTTL: 60 }, at: created + 60_000, state: "expired" },
  { of: { clientSecretNumUses: 1, clientSecretNumUsesLimit: 2 }, at: created, state: "usable" },
  { of: { clientSecretNumUses: 2, clientSecretNumUsesLimit: 2 }, at: created, state: "used up" },
  { of: { clientSecretTTL: 60, isClientSecretRevoked: true }, at: created + 60_000, state: "revoked" },
] as const)("a client secret with $of is $state", ({ of, at, state }) => {
  expect(stateOf(aClientSecret(of), at)).toBe(state)
})
