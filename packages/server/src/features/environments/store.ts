/** The only file that writes the tables environment and environment_version. */
import type { EnvironmentRecord } from "../../cache/index.ts"
import type { VersionOperation } from "../../db/schema.ts"
import type { OrganizationWrite } from "../../use-case/index.ts"

/** Which write a version belongs to. */
export type EnvironmentWrite = Pick<OrganizationWrite, "db" | "actor" | "now"> & {
  readonly projectId: string
  readonly revision: number
}

export async function insertEnvironment(
  write: EnvironmentWrite,
  environment: EnvironmentRecord,
): Promise<void> {
  await write.db
    .insertInto("environment")
    .values({
      id: environment.id,
      project_id: write.projectId,
      name: environment.name,
      slug: environment.slug,
      position: environment.position,
      created_at: environment.createdAt,
      updated_at: environment.updatedAt,
    })
    .execute()
  await insertVersion(write, environment, "create")
}

export async function updateEnvironment(
  write: EnvironmentWrite,
  environment: EnvironmentRecord,
): Promise<void> {
  await write.db
    .updateTable("environment")
    .set({
      name: environment.name,
      slug: environment.slug,
      position: environment.position,
      updated_at: environment.updatedAt,
    })
    .where("id", "=", environment.id)
    .where("project_id", "=", write.projectId)
    .execute()
  await insertVersion(write, environment, "update")
}

/** Removes an environment and leaves a tombstone. */
export async function removeEnvironment(
  write: EnvironmentWrite,
  environment: EnvironmentRecord,
): Promise<void> {
  await write.db
    .deleteFrom("environment")
    .where("id", "=", environment.id)
    .where("project_id", "=", write.projectId)
    .execute()
  await insertVersion(write, environment, "delete")
}

async function insertVersion(
  write: EnvironmentWrite,
  environment: EnvironmentRecord,
  op: VersionOperation,
): Promise<void> {
  const newest = await write.db
    .selectFrom("environment_version")
    .select((eb) => eb.fn.max("version").as("version"))
    .where("environment_id", "=", environment.id)
    .executeTakeFirst()
  await write.db
    .insertInto("environment_version")
    .values({
      environment_id: environment.id,
      version: Number(newest?.version ?? 0) + 1,
      project_id: write.projectId,
      revision: write.revision,
      op,
      name: environment.name,
      slug: environment.slug,
      position: environment.position,
      actor_type: write.actor.kind,
      actor_id: write.actor.id,
      at: write.now,
    })
    .execute()
}
