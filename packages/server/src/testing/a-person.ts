import type { Instance } from "./test-app.ts"

export type Person = { readonly id: string; readonly token: string }

/** A person with an open session, put into the database directly: how people log in is not the matter of the test. */
export async function aPerson(
  { test, orgId }: Instance,
  of: {
    readonly email: string
    /** With the role in it. */
    readonly project?: string
    readonly role?: string
    readonly orgRole?: string
  },
): Promise<Person> {
  const { database, keyring, clock, random } = test.storage
  const [id, session, membership] = [random.uuid(), random.uuid(), random.uuid()]
  const at = { created_at: clock.now(), updated_at: clock.now() }
  const expires = clock.now() + 3_600_000
  await database.write(async ({ db }) => {
    const person = { id, email: of.email, first_name: "", last_name: "", password_hash: "" }
    await db
      .insertInto("user_account")
      .values({ ...person, super_admin: 0, ...at })
      .execute()
    const actor = { actor_type: "user", actor_id: id } as const
    const member = { id: random.uuid(), org_id: orgId, role: of.orgRole ?? "member", ...actor, ...at }
    await db.insertInto("organization_membership").values(member).execute()
    if (of.project !== undefined) {
      const inProject = { id: membership, project_id: of.project, ...actor, ...at }
      await db.insertInto("project_membership").values(inProject).execute()
      await db
        .insertInto("project_membership_role")
        .values({
          id: random.uuid(),
          membership_id: membership,
          role: of.role ?? "viewer",
          is_temporary: 0,
          temporary_mode: null,
          temporary_range: null,
          starts_at: null,
          ends_at: null,
          ...at,
        })
        .execute()
    }
    await db
      .insertInto("user_session")
      .values({
        id: session,
        user_id: id,
        auth_method: "password",
        second_factor: null,
        refresh_version: 1,
        refreshed_at: clock.now(),
        ip_address: "127.0.0.1",
        user_agent: "test",
        created_at: clock.now(),
        expires_at: expires,
        revoked_at: null,
      })
      .execute()
  })
  const token = keyring.signToken({
    authTokenType: "accessToken",
    authMethod: "password",
    userId: id,
    email: of.email,
    organizationId: orgId,
    tokenVersionId: session,
    iat: Math.floor(clock.now() / 1_000),
    exp: Math.floor(expires / 1_000),
  })
  return { id, token }
}
