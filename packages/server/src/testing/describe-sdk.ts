import { describeDatabase } from "@coffer/testkit"
import { InfisicalSDK } from "@infisical/sdk"
import { expect, it } from "vitest"
import { aMachine, anInstance, type Instance } from "./test-app.ts"

/** The published client, unmodified, over a real socket. */
async function connect(instance: Instance): Promise<InfisicalSDK> {
  const { http } = instance.test.app
  const siteUrl = await http.listen({ host: "127.0.0.1", port: 0 })
  return new InfisicalSDK({ siteUrl })
}

/** The published Node SDK (tier T2), unmodified, on either database. */
export function describeSdk(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "@infisical/sdk against a listening server", (open) => {
    it("logs in, makes project, environment and folder, and creates, lists, gets, updates and deletes secrets", async () => {
      const instance = await anInstance(await open())
      const machine = await aMachine(instance, { orgRole: "member" })
      const sdk = await connect(instance)
      try {
        const { clientId, clientSecret } = machine
        const client = await sdk.auth().universalAuth.login({ clientId, clientSecret })
        const project = await client
          .projects()
          .create({ projectName: "Billing", type: "secret-manager", slug: "billing-x1" })
        expect(project).toMatchObject({ name: "Billing", slug: "billing-x1" })
        const projectId = project.id
        const environment = await client
          .environments()
          .create({ name: "QA", slug: "qa", projectId, position: 4 })
        expect(environment).toMatchObject({ name: "QA", slug: "qa" })
        const folder = await client
          .folders()
          .create({ name: "worker", path: "/api", projectId, environment: "qa" })
        expect(folder).toMatchObject({ name: "worker", path: "/api/worker" })

        const place = { environment: "qa", projectId, secretPath: "/api/worker" }
        const { secret: created } = await client
          .secrets()
          .createSecret("DB_URL", { ...place, secretValue: "postgres://a" })
        expect(created).toMatchObject({ secretKey: "DB_URL", secretValue: "postgres://a", version: 1 })
        await client
          .secrets()
          .createSecret("WITH SPACE + PLUS", { ...place, secretValue: "", secretComment: "odd" })

        const { secrets } = await client.secrets().listSecrets({ ...place, includeImports: true })
        expect(secrets.map((secret) => secret.secretKey)).toEqual(["DB_URL", "WITH SPACE + PLUS"])
        expect((await client.secrets().listSecretsWithImports(place)).length).toBe(2)
        const all = await client.secrets().listSecrets({ environment: "qa", projectId, recursive: true })
        expect(all.secrets.map((secret) => secret.secretPath)).toEqual(["/api/worker", "/api/worker"])

        const odd = await client.secrets().getSecret({ ...place, secretName: "WITH SPACE + PLUS" })
        expect(odd).toMatchObject({ secretValue: "", secretComment: "odd" })
        const { secret: updated } = await client
          .secrets()
          .updateSecret("DB_URL", { ...place, secretValue: "postgres://b", newSecretName: "DATABASE_URL" })
        expect(updated).toMatchObject({ id: created.id, secretKey: "DATABASE_URL", version: 2 })
        const { secret: deleted } = await client.secrets().deleteSecret("DATABASE_URL", place)
        expect(deleted).toMatchObject({ id: created.id, secretValue: "postgres://b" })
        await expect(client.secrets().getSecret({ ...place, secretName: "DATABASE_URL" })).rejects.toThrow(
          "Secret with name 'DATABASE_URL' not found",
        )
        expect(
          await client.folders().listFolders({ projectId, environment: "qa", path: "/", recursive: true }),
        ).toMatchObject([{ name: "api" }, { name: "worker" }])
        await client.auth().universalAuth.renew()
      } finally {
        await instance.test.app.http.close()
      }
    })

    it("shows the reason of a refusal, because the message is one string", async () => {
      const instance = await anInstance(await open())
      const sdk = await connect(instance)
      try {
        const credentials = { clientId: "nobody", clientSecret: "nothing" }
        await expect(sdk.auth().universalAuth.login(credentials)).rejects.toThrow(/Invalid credentials/)
        const client = sdk.auth().accessToken(instance.adminToken)
        await expect(client.projects().create({ projectName: "", type: "secret-manager" })).rejects.toThrow(
          /body\.projectName: must not be empty/,
        )
      } finally {
        await instance.test.app.http.close()
      }
    })
  })
}
