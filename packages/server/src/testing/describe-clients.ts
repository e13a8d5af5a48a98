import { describeDatabase } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { type AtAStand, atAStand, type ClientStand } from "./client-stand.ts"
import { type EsoProjectIds, EsoProvider } from "./clients/eso-provider.ts"
import { GoSdk } from "./clients/go-sdk.ts"
import { InfisicalCli } from "./clients/infisical-cli.ts"
import {
  InfisicalPushSecretReconciler,
  InfisicalSecretReconciler,
  StaticSecretReconciler,
} from "./clients/infisical-operator.ts"
import { ClientRefusal } from "./clients/wire.ts"
import type { Workbench } from "./workbench.ts"

/**
 * Whole sequences of the clients of tiers T1, T3, T4 and T5, as the contract says that they send and decode them,
 * against a listening server on either database.
 */
export function describeClients(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "clients of the contract", (open) => {
    const at: AtAStand = (run, of) => () => atAStand(open, run, of)
    describe("the External Secrets Operator", () => describeEso(at))
    describe("the Go SDK", () => describeGoSdk(at))
    describe("the Infisical command line", () => describeCli(at))
    describe("the Infisical operator", () => describeOperator(at))
  })
}

/** /api with two secrets of its own; it imports /base, then /late, which both hold TWICE. */
async function withImports(bench: Workbench): Promise<void> {
  for (const path of ["/api", "/base", "/late", "/api/worker"]) await bench.folder(path)
  for (const from of ["/base", "/late"]) {
    await bench.ok("POST", "/v2/secret-imports", {
      path: "/api",
      import: { environment: "prod", path: from },
    })
  }
  await bench.put("OWN", "own", "/api")
  await bench.put("DB_URL", "postgres://${HOST}/billing", "/api")
  await bench.put("HOST", "db.internal", "/api")
  await bench.put("OWN", "hidden behind /api", "/base")
  await bench.put("TWICE", "first", "/base")
  await bench.put("TWICE", "last", "/late")
  await bench.put("DEEP", "deep", "/api/worker")
}

function describeEso(at: AtAStand): void {
  const storeOf = ({ origin, machine, slug }: ClientStand) => ({
    origin,
    clientId: machine.clientId,
    clientSecret: machine.clientSecret,
    projectSlug: slug,
    environment: "prod",
    secretsPath: "/api",
    expand: true,
    recursive: false,
  })

  it(
    "reads keys, scopes and imports, and its store is ready",
    at(async (stand) => {
      await withImports(stand.bench)
      const store = storeOf(stand)
      await EsoProvider.reconcile(store, async (eso) => {
        await eso.validate()
        expect(await eso.getSecret("DB_URL")).toBe("postgres://db.internal/billing")
        expect(await eso.getSecret("/late/TWICE")).toBe("last")
        expect(await eso.getSecret("worker/DEEP")).toBe("deep")
        expect(await eso.getSecret("TWICE")).toBe("last")
        expect(await eso.getSecret("NOPE")).toBeUndefined()
        expect(await eso.findAll()).toEqual({
          DB_URL: "postgres://db.internal/billing",
          HOST: "db.internal",
          OWN: "own",
          TWICE: "first",
        })
      })
      await EsoProvider.reconcile({ ...store, recursive: true }, async (eso) => {
        expect(await eso.findAll()).toMatchObject({ DEEP: "deep", OWN: "own" })
      })
      await EsoProvider.reconcile({ ...store, secretsPath: "/not-there" }, (eso) => eso.validate())
    }),
  )

  it(
    "a token that a reconcile revoked reads nothing any more",
    at(async (stand) => {
      const eso = await EsoProvider.open(storeOf(stand))
      await eso.sdk.revoke()
      expect(await eso.sdk.revoke()).toBe("Successfully revoked access token")
      await expect(eso.validate()).rejects.toMatchObject({ status: 401 })
    }),
  )

  it(
    "pushes once, leaves an equal value alone, updates another, and removes",
    at(async (stand) => {
      await stand.bench.folder("/api")
      const ids: EsoProjectIds = new Map()
      const reconcile = <T>(work: (eso: EsoProvider) => Promise<T>) =>
        EsoProvider.reconcile(storeOf(stand), work, ids)
      expect(await reconcile((eso) => eso.push("PUSHED", "one"))).toBe("created")
      expect(await reconcile((eso) => eso.push("PUSHED", "one"))).toBe("unchanged")
      expect(await reconcile((eso) => eso.push("PUSHED", "two"))).toBe("updated")
      expect((await stand.bench.read("PUSHED", "&secretPath=/api")).body.secret).toMatchObject({
        version: 2,
        secretValue: "two",
        skipMultilineEncoding: true,
      })
      await reconcile((eso) => eso.remove("PUSHED"))
      await reconcile((eso) => eso.remove("PUSHED"))
      expect(await reconcile((eso) => eso.getSecret("PUSHED"))).toBeUndefined()
    }),
  )

  it(
    "a project that was made again under its slug gets its pushes",
    at(async (stand) => {
      const { bench } = stand
      await bench.folder("/api")
      const ids: EsoProjectIds = new Map()
      await EsoProvider.reconcile(storeOf(stand), (eso) => eso.push("PUSHED", "one"), ids)
      await bench.ok("DELETE", `/v1/projects/${bench.project}`, {})
      const { project } = await bench.ok("POST", "/v1/projects", { projectName: "Again", slug: stand.slug })
      const membership = `/v1/projects/${project.id}/memberships/identities/${stand.machine.id}`
      await bench.ok("POST", membership, { role: "admin" })
      await bench.ok("POST", "/v1/folders", { workspaceId: project.id, name: "api", path: "/" })

      expect(await EsoProvider.reconcile(storeOf(stand), (eso) => eso.push("PUSHED", "two"), ids)).toBe(
        "created",
      )

      expect(ids.get(stand.slug)).toBe(project.id)
      expect(await EsoProvider.reconcile(storeOf(stand), (eso) => eso.getSecret("PUSHED"))).toBe("two")
    }),
  )
}

function describeGoSdk(at: AtAStand): void {
  it(
    "logs in, writes, reads, lists with an ETag, renews and revokes",
    at(async ({ bench, origin, machine }) => {
      await withImports(bench)
      const sdk = new GoSdk(origin)
      const login = await sdk.login(machine.clientId, machine.clientSecret)
      expect(login).toMatchObject({ expiresIn: 2_592_000, accessTokenMaxTTL: 2_592_000, tokenType: "Bearer" })
      const place = { workspaceId: bench.project, environment: "prod", secretPath: "/api" }

      const made = await sdk.create("WITH SPACE + PLUS", { ...place, secretValue: "", secretComment: "odd" })
      expect(made).toMatchObject({
        version: 1,
        secretValue: "",
        secretComment: "odd",
        workspace: bench.project,
      })
      const updated = await sdk.update("WITH SPACE + PLUS", { ...place, secretValue: "x" })
      expect(updated).toMatchObject({ id: made.id, version: 2, secretValue: "x" })
      const kept = await sdk.update("WITH SPACE + PLUS", { ...place, secretValue: "" })
      expect(kept).toMatchObject({ id: made.id, secretValue: "x" })
      const read = { workspaceId: bench.project, environment: "prod", secretPath: "/api", type: "shared" }
      const flags = { include_imports: "true", expandSecretReferences: "true" }
      expect(await sdk.retrieve("WITH SPACE + PLUS", { ...read, ...flags })).toMatchObject({
        secretValue: "x",
      })
      expect(await sdk.retrieve("WITH SPACE + PLUS", { ...read, ...flags, version: "1" })).toMatchObject({
        secretValue: "",
        version: 1,
      })
      expect(await sdk.delete("WITH SPACE + PLUS", place)).toMatchObject({ id: made.id })

      const list = { projectId: bench.project, environment: "prod", secretPath: "/api", includeImports: true }
      const first = await sdk.listSecrets(list)
      expect(first?.secrets.map((one) => [one.secretKey, one.secretValue, one.secretPath])).toEqual([
        ["DB_URL", "postgres://${HOST}/billing", "/api"],
        ["HOST", "db.internal", "/api"],
        ["OWN", "own", "/api"],
        ["TWICE", "first", ""],
      ])
      expect(await sdk.listSecrets({ ...list, ifNoneMatch: first?.etag ?? "" })).toBeUndefined()
      await sdk.update("OWN", { ...place, secretValue: "new" })
      expect((await sdk.listSecrets({ ...list, ifNoneMatch: first?.etag ?? "" }))?.etag).not.toBe(first?.etag)

      const before = sdk.token
      bench.instance.test.clock.advance(10_000)
      const renewed = await sdk.renew()
      expect(renewed.accessToken).not.toBe(before)
      expect(await sdk.revoke()).toBe("Successfully revoked access token")
      await expect(sdk.listSecrets(list)).rejects.toMatchObject({
        status: 401,
        serverMessage: expect.stringMatching(/./),
      })
    }),
  )

  it(
    "creates in a batch with metadata, all or nothing",
    at(async ({ bench, origin, machine }) => {
      const sdk = new GoSdk(origin)
      await sdk.login(machine.clientId, machine.clientSecret)
      const place = { workspaceId: bench.project, environment: "prod", secretPath: "/" }
      const secrets = [
        { secretKey: "A", secretValue: "1" },
        { secretKey: "B", secretValue: "2", secretMetadata: [{ key: "k", value: "v" }] },
      ]
      const made = await sdk.batchCreate({ ...place, secrets })
      expect(made).toMatchObject([
        { secretKey: "A", version: 1 },
        { secretKey: "B", secretMetadata: [{ key: "k", value: "v" }] },
      ])
      const again = [{ secretKey: "C", secretValue: "3" }, ...secrets]
      await expect(sdk.batchCreate({ ...place, secrets: again })).rejects.toMatchObject({
        status: 400,
        serverMessage: "Secret already exist: A,B",
      })
      const list = await sdk.listSecrets({ projectId: bench.project, environment: "prod" })
      expect(list?.secrets.map((secret) => secret.secretKey)).toEqual(["A", "B"])
    }),
  )

  it(
    "makes, lists, renames and deletes folders, whose times are RFC 3339",
    at(async ({ bench, origin, machine }) => {
      const sdk = new GoSdk(origin)
      await sdk.login(machine.clientId, machine.clientSecret)
      const place = { workspaceId: bench.project, environment: "prod", path: "/" }
      const made = await sdk.writeFolder("POST", "", { ...place, name: "api" })
      expect(made).toMatchObject({ name: "api", version: 1, isReserved: false })
      expect(Date.parse(made.createdAt)).toBeGreaterThan(0)
      expect(await sdk.writeFolder("POST", "", { ...place, name: "api" })).toMatchObject({ id: made.id })
      const renamed = await sdk.writeFolder("PATCH", made.id, { ...place, name: "web" })
      expect(renamed).toMatchObject({ id: made.id, name: "web" })
      expect(await sdk.listFolders({ workspaceId: bench.project, environment: "prod" })).toMatchObject([
        { id: made.id, name: "web" },
      ])
      expect(await sdk.writeFolder("DELETE", "web", place)).toMatchObject({ id: made.id })
      expect(await sdk.listFolders({ workspaceId: bench.project, environment: "prod", path: "/" })).toEqual(
        [],
      )
    }),
  )
}

function describeCli(at: AtAStand): void {
  it(
    "logs in, shows, sets with tags, deletes, and exports what imports bring",
    at(async ({ bench, origin, machine }) => {
      await withImports(bench)
      const cli = new InfisicalCli(origin)
      await cli.login(machine.clientId, machine.clientSecret)
      const of = { projectId: bench.project, environment: "prod", path: "/api" }
      const shown = await cli.secrets(of)
      expect(shown.map((secret) => [secret.secretKey, secret.secretValue])).toEqual([
        ["DB_URL", "postgres://db.internal/billing"],
        ["HOST", "db.internal"],
        ["OWN", "own"],
        ["TWICE", "last"],
      ])
      expect(shown.filter((secret) => secret.secretPath === "/api").every((one) => one._id !== "")).toBe(true)

      await cli.set(of, { NEW: "1", OWN: "changed" }, ["backend"])
      await cli.set(of, { NEW: "2" }, ["backend"])
      const after = await cli.secrets(of)
      expect(after.find((secret) => secret.secretKey === "NEW")).toMatchObject({
        version: 2,
        secretValue: "2",
        tags: [{ slug: "backend", name: "backend" }],
      })
      const body = { workspaceId: bench.project, environment: "prod", secretPath: "/api" }
      await expect(cli.delete("NEW", body)).rejects.toMatchObject({
        status: 400,
        serverMessage: "Must be user to create/delete personal secret",
      })
      await cli.delete("NEW", body, "shared")
      expect((await cli.secrets(of)).map((secret) => secret.secretKey)).not.toContain("NEW")
      const all = await cli.secrets({ ...of, recursive: true })
      expect(all.map((secret) => secret.secretPath)).toContain("/api/worker")
    }),
  )

  it(
    "lists, makes and deletes folders by name in a directory",
    at(async ({ bench, origin, machine }) => {
      const cli = new InfisicalCli(origin)
      await cli.login(machine.clientId, machine.clientSecret)
      const place = { workspaceId: bench.project, environment: "prod" }
      await cli.createFolder({ ...place, name: "api", path: "/" })
      const made = await cli.createFolder({ ...place, name: "worker", path: "/api" })
      expect(await cli.folders(bench.project, "prod", "/api")).toEqual([{ id: made.id, name: "worker" }])
      expect(await cli.deleteFolder("worker", { ...place, directory: "/api" })).toEqual(made)
      expect(await cli.folders(bench.project, "prod", "/api")).toEqual([])
    }),
  )

  it(
    "its agent reads one secret, and sees changes by the ETag alone",
    at(async ({ bench, origin, machine }) => {
      await bench.put("ONE", "1")
      const cli = new InfisicalCli(origin)
      await cli.login(machine.clientId, machine.clientSecret, "/")
      const of = { projectId: bench.project, environment: "prod", secretPath: "/" }
      expect(await cli.agentSecret("ONE", of)).toMatchObject({
        secretKey: "ONE",
        secretValue: "1",
        version: 1,
      })
      const etag = await cli.agentEtag(bench.project, "prod", "/")
      expect(etag).not.toBe("")
      expect(await cli.agentEtag(bench.project, "prod", "/")).toBe(etag)
      await bench.ok("PATCH", "/v4/secrets/ONE", { secretValue: "2" })
      expect(await cli.agentEtag(bench.project, "prod", "/")).not.toBe(etag)
    }),
  )

  it(
    "`login status` reads the claims and asks whether the token is honoured",
    at(async ({ origin, machine }) => {
      const cli = new InfisicalCli(origin)
      await cli.login(machine.clientId, machine.clientSecret)
      const { claims, isHonoured } = await cli.loginStatus()
      expect(isHonoured).toBe(true)
      expect(claims).toMatchObject({
        authTokenType: "identityAccessToken",
        identityId: machine.id,
        identityName: "eso",
        authMethod: "universal-auth",
        orgId: expect.any(String),
        exp: expect.any(Number),
      })
      await new GoSdk(origin).send("POST", "/v1/auth/token/revoke", { accessToken: cli.token })
      expect((await cli.loginStatus()).isHonoured).toBe(false)
    }),
  )
}

function describeOperator(at: AtAStand): void {
  it(
    "v1alpha1 finds the project, lists once, and is told by 304 that nothing changed",
    at(async (stand) => {
      const { bench, origin, machine, slug } = stand
      await withImports(bench)
      const reconciler = new InfisicalSecretReconciler(origin)
      await reconciler.sdk.login(machine.clientId, machine.clientSecret)
      const id = await reconciler.projectId(slug)
      expect(id).toBe(bench.project)
      const first = await reconciler.reconcile(id, "prod", "/api")
      expect(first?.map((secret) => secret.secretKey)).toEqual(["DB_URL", "HOST", "OWN", "TWICE"])
      expect(await reconciler.reconcile(id, "prod", "/api")).toBeUndefined()
      await bench.ok("PATCH", "/v4/secrets/TWICE", { secretPath: "/base", secretValue: "changed" })
      const changed = await reconciler.reconcile(id, "prod", "/api")
      expect(changed?.find((secret) => secret.secretKey === "TWICE")?.secretValue).toBe("changed")
    }),
  )

  it(
    "v1alpha1 pushes, follows its ids through a foreign rename, and removes what is no longer wanted",
    at(async (stand) => {
      const { bench, origin, machine } = stand
      const sdk = new GoSdk(origin, "k8-operator/v0.10.2")
      await sdk.login(machine.clientId, machine.clientSecret)
      const push = new InfisicalPushSecretReconciler(sdk, bench.project, "prod", "/")
      expect(await push.reconcile({ A: "1", B: "2" })).toEqual(["created A", "created B"])
      expect(await push.reconcile({ A: "1", B: "2" })).toEqual([])
      expect(await push.reconcile({ A: "1", B: "3" })).toEqual(["updated B"])
      expect([...push.managed.values()].sort()).toEqual(["A", "B"])
      await bench.ok("PATCH", "/v4/secrets/A", { newSecretName: "STOLEN" })
      expect(await push.reconcile({ A: "1", B: "3" })).toEqual(["renamed back A"])
      expect(await push.reconcile({ A: "1" })).toEqual(["deleted B"])
      expect(await push.reconcile({ A: "1" })).toEqual([])
      expect((await bench.list()).body.secrets).toMatchObject([{ secretKey: "A", secretValue: "1" }])
    }),
  )

  it(
    "v1beta1 connects, finds the project, and lists by the defaults of v4",
    at(async (stand) => {
      const { bench, origin, machine, slug } = stand
      await withImports(bench)
      const reconciler = new StaticSecretReconciler(origin)
      expect(await reconciler.isConnected()).toBe(true)
      await reconciler.login(machine.clientId, machine.clientSecret)
      expect(await reconciler.projectId(slug)).toBe(bench.project)
      const of = { projectId: bench.project, environment: "prod", secretPath: "/api" }
      expect(Object.fromEntries(await reconciler.list(of))).toEqual({
        DB_URL: "postgres://db.internal/billing",
        HOST: "db.internal",
        OWN: "own",
        TWICE: "first",
      })
      expect([...(await reconciler.list({ ...of, recursive: true })).keys()]).toContain("DEEP")
      expect((await reconciler.list({ ...of, tags: ["no-such-tag"] })).get("OWN")).toBeUndefined()
      await bench.ok("DELETE", `/v1/projects/${bench.project}/memberships/identities/${machine.id}`, {})
      await expect(reconciler.list(of)).rejects.toBeInstanceOf(ClientRefusal)
      expect(reconciler.token).toBe("")
    }),
  )
}
