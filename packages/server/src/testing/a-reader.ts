import { aMachine, type Instance } from "./test-app.ts"

/** A machine whose role in the project has these rules alone. */
export async function aReader(instance: Instance, project: string, permissions: readonly object[]) {
  const { test, adminToken } = instance
  const role = { slug: "reader", name: "Reader", permissions }
  await test.ok("POST", `/v1/projects/${project}/roles`, { token: adminToken, body: role })
  return await aMachine(instance, { project, role: "reader" })
}

/** A rule that lets secrets be read, where the conditions hold. */
export const readSecrets = (conditions?: object) => ({
  subject: "secrets",
  action: ["describeSecret", "readValue"],
  ...(conditions === undefined ? {} : { conditions }),
})
