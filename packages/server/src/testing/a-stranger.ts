import { insertOrganization } from "../features/admin/store.ts"
import { addIdentity } from "../features/identities/index.ts"
import { addTokenAuth, draftTokenOf } from "../features/token-auth/index.ts"
import { signDraft } from "../features/tokens/index.ts"
import type { Instance } from "./test-app.ts"

export type Stranger = { readonly id: string; readonly orgId: string; readonly token: string }

/** A second organization in the same database, with an admin identity of its own. */
export async function aStranger({ test }: Instance): Promise<Stranger> {
  const { features } = test.app
  const now = test.clock.now()
  const orgId = "00000000-0000-4000-8000-0000000000ff"
  const made = await features.database.write(async ({ db }) => {
    await insertOrganization(db, { id: orgId, name: "Other", slug: "other" }, now)
    const of = { orgId, name: "foreign", role: "admin", hasDeleteProtection: false, metadata: [] }
    const identity = await addIdentity(features, { db, now }, of)
    const method = await addTokenAuth(features, { db, now }, identity, {})
    const draft = await draftTokenOf(features, { db, now }, { method, identity, name: undefined })
    return { identity, draft }
  })
  return { id: made.identity.id, orgId, token: signDraft(features, made.draft).accessToken }
}
