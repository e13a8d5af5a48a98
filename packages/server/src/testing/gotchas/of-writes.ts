import { request } from "node:http"
import { expect, it } from "vitest"
import type { AtAStand, ClientStand } from "../client-stand.ts"
import { EsoProvider } from "../clients/eso-provider.ts"
import { GoSdk } from "../clients/go-sdk.ts"
import { InfisicalCli } from "../clients/infisical-cli.ts"
import { exchange } from "../clients/wire.ts"

async function aGoSdk({ origin, machine }: ClientStand): Promise<GoSdk> {
  const sdk = new GoSdk(origin)
  await sdk.login(machine.clientId, machine.clientSecret)
  return sdk
}

const placeOf = ({ bench }: ClientStand) => ({
  workspaceId: bench.project,
  environment: "prod",
  secretPath: "/",
})

/** How writes behave: gotchas 11, 12, 17 to 24, 37 to 42. */
export function gotchasOfWrites(at: AtAStand): void {
  pushes(at)
  transport(at)
  values(at)
  folders(at)
}

function pushes(at: AtAStand): void {
  it(
    "gotcha 11: creating what exists and updating what is missing are refusals",
    at(async (stand) => {
      const sdk = await aGoSdk(stand)
      await sdk.create("A", { ...placeOf(stand), secretValue: "1" })
      await expect(sdk.create("A", { ...placeOf(stand), secretValue: "2" })).rejects.toMatchObject({
        status: 400,
        serverMessage: "Secret already exist",
      })
      await expect(sdk.update("B", { ...placeOf(stand), secretValue: "2" })).rejects.toMatchObject({
        status: 404,
        serverMessage: "Secret with name 'B' not found",
      })
      expect((await stand.bench.read("A")).body.secret).toMatchObject({ secretValue: "1", version: 1 })
    }),
  )

  it(
    "gotcha 12: the id of a deleted project is a 404 for reads and writes, also when its slug lives on",
    at(async (stand) => {
      const { bench, slug } = stand
      const sdk = await aGoSdk(stand)
      await bench.ok("DELETE", `/v1/projects/${bench.project}`, {})
      await bench.ok("POST", "/v1/projects", { projectName: "Again", slug })
      for (const write of ["create", "update", "delete"] as const) {
        await expect(sdk[write]("A", { ...placeOf(stand), secretValue: "1" }), write).rejects.toMatchObject({
          status: 404,
        })
      }
      await expect(sdk.listSecrets({ projectId: bench.project, environment: "prod" })).rejects.toMatchObject({
        status: 404,
      })
    }),
  )

  it(
    "gotcha 20: a secret keeps its id through updates, renames and moves",
    at(async ({ bench }) => {
      const { id } = await bench.put("A", "1")
      await bench.folder("/to")
      const idOf = async (key: string, more = "") => (await bench.read(key, more)).body.secret.id
      await bench.ok("PATCH", "/v3/secrets/raw/A", { secretValue: "2" })
      expect(await idOf("A")).toBe(id)
      await bench.ok("PATCH", "/v3/secrets/raw/A", { newSecretName: "B" })
      expect(await idOf("B")).toBe(id)
      await bench.ok("POST", "/v4/secrets/move", {
        sourceEnvironment: "prod",
        sourceSecretPath: "/",
        destinationEnvironment: "prod",
        destinationSecretPath: "/to",
        secretIds: [id],
      })
      expect(await idOf("B", "&secretPath=/to")).toBe(id)
    }),
  )

  it(
    "gotcha 41: a create whose answer was lost and that is sent again was applied once",
    at(async (stand) => {
      const body = JSON.stringify({ ...placeOf(stand), secretValue: "1" })
      const target = `${stand.origin}/api/v3/secrets/raw/LOST`
      const headers = { authorization: `Bearer ${stand.machine.token}`, "content-type": "application/json" }
      await new Promise<void>((resolve) => {
        const sent = request(target, { method: "POST", headers, agent: false })
        sent.once("response", (response) => {
          response.destroy() // the network fails as the answer comes
          resolve()
        })
        sent.once("error", () => resolve())
        sent.end(body)
      })
      const again = await fetch(target, { method: "POST", headers, body })
      expect(again.status).toBe(400)
      expect(((await again.json()) as { message: string }).message).toBe("Secret already exist")
      expect((await stand.bench.read("LOST")).body.secret).toMatchObject({ version: 1, secretValue: "1" })
    }),
  )
}

function transport(at: AtAStand): void {
  it(
    "gotcha 17: the body of a DELETE is read",
    at(async (stand) => {
      await stand.bench.put("A", "1")
      const sdk = await aGoSdk(stand)
      await sdk.delete("A", placeOf(stand))
      expect((await stand.bench.read("A")).status).toBe(404)
      await expect(sdk.delete("A", {})).rejects.toMatchObject({ status: 422 })
    }),
  )

  it(
    "gotcha 18: a name in the path is decoded once, and a plus is a plus",
    at(async (stand) => {
      const { bench, origin, machine } = stand
      const headers = { authorization: `Bearer ${machine.token}` }
      const query = `workspaceId=${bench.project}&environment=prod`
      for (const [key, path] of [
        ["A+B", "A+B"],
        ["A+B", "A%2BB"],
        ["C D", "C%20D"],
        ["P%41", "P%2541"],
        ["ü=&", "%C3%BC=&"],
      ] as const) {
        if (
          (
            await bench.call(
              "GET",
              `/v4/secrets/${encodeURIComponent(key)}?projectId=${bench.project}&environment=prod`,
            )
          ).status === 404
        )
          await bench.put(key, `value of ${key}`)
        const reply = await exchange(origin, "GET", `/api/v3/secrets/raw/${path}?${query}`, { headers })
        expect(JSON.parse(reply.text).secret, path).toMatchObject({
          secretKey: key,
          secretValue: `value of ${key}`,
        })
      }
    }),
  )

  it(
    "gotchas 42 and 0.2: bodies may hold keys that nobody knows, and a project needs no organization",
    at(async (stand) => {
      const { bench } = stand
      const made = await bench.ok("POST", "/v1/projects", {
        projectName: "More",
        organizationId: "of-somebody-else",
        nonsense: { a: [1] },
      })
      expect(made.project.orgId).toBe(bench.instance.orgId)
      await bench.ok("POST", "/v3/secrets/raw/A", {
        secretName: "OTHER",
        includeImports: true,
        secretValue: "1",
      })
      expect((await bench.list()).body.secrets).toMatchObject([{ secretKey: "A" }])
    }),
  )
}

function values(at: AtAStand): void {
  it(
    "gotcha 19: values are trimmed but for one last newline, so a pushed value reads as pushed",
    at(async (stand) => {
      for (const [sent, stored] of [
        ["  x  ", "x"],
        ["x\n", "x\n"],
        ["x\n\n\n", "x\n"],
        [" \n", "\n"],
        ["a\nb\n", "a\nb\n"],
      ] as const) {
        await stand.bench.call("DELETE", "/v3/secrets/raw/A", {})
        await stand.bench.ok("POST", "/v3/secrets/raw/A", { secretValue: sent })
        expect((await stand.bench.read("A")).body.secret.secretValue, JSON.stringify(sent)).toBe(stored)
      }
      const { machine, origin, slug } = stand
      const { clientId, clientSecret } = machine
      const store = {
        origin,
        clientId,
        clientSecret,
        projectSlug: slug,
        environment: "prod",
        secretsPath: "/",
      }
      const push = () =>
        EsoProvider.reconcile({ ...store, expand: true, recursive: false }, (eso) =>
          eso.push("PEM", "a\nb\n"),
        )
      expect([await push(), await push()]).toEqual(["created", "unchanged"])
    }),
  )

  it(
    "gotcha 21: an update without a value leaves the value alone",
    at(async (stand) => {
      const sdk = await aGoSdk(stand)
      await sdk.create("A", { ...placeOf(stand), secretValue: "kept" })
      expect((await sdk.update("A", { ...placeOf(stand), secretValue: "" })).secretValue).toBe("kept")
    }),
  )

  it(
    "gotcha 22: personal overrides do no harm to an identity",
    at(async (stand) => {
      await stand.bench.put("A", "1")
      const cli = new InfisicalCli(stand.origin)
      await cli.login(stand.machine.clientId, stand.machine.clientSecret)
      const secrets = await cli.secrets({ projectId: stand.bench.project, environment: "prod" })
      expect(secrets).toMatchObject([{ secretKey: "A", secretValue: "1", type: "shared" }])
    }),
  )

  it(
    "gotcha 23: `secrets delete` of an identity without `--type shared` is told why",
    at(async (stand) => {
      await stand.bench.put("A", "1")
      const cli = new InfisicalCli(stand.origin)
      await cli.login(stand.machine.clientId, stand.machine.clientSecret)
      await expect(cli.delete("A", placeOf(stand))).rejects.toMatchObject({
        status: 400,
        serverMessage: "Must be user to create/delete personal secret",
      })
      expect((await stand.bench.read("A")).status).toBe(200)
    }),
  )

  it(
    "gotcha 24: empty values are accepted, in creates and in updates",
    at(async ({ bench }) => {
      await bench.ok("POST", "/v3/secrets/raw/A", { secretValue: "" })
      await bench.ok("PATCH", "/v3/secrets/raw/A", { secretValue: "1" })
      await bench.ok("PATCH", "/v3/secrets/raw/A", { secretValue: "" })
      expect((await bench.read("A")).body.secret).toMatchObject({ secretValue: "", version: 3 })
    }),
  )
}

function folders(at: AtAStand): void {
  it(
    "gotcha 37: folders are listed by `path` or `directory`, and deleted by name or id",
    at(async ({ bench }) => {
      for (const path of ["/a", "/a/one", "/a/two"]) await bench.folder(path)
      const list = (name: string) =>
        bench.ok("GET", `/v1/folders?workspaceId=${bench.project}&environment=prod&${name}=/a`)
      const { folders } = await list("path")
      expect((await list("directory")).folders).toEqual(folders)
      expect(folders.map((folder: { name: string }) => folder.name)).toEqual(["one", "two"])
      await bench.ok("DELETE", `/v1/folders/${folders[0].id}`, { path: "/a" })
      await bench.ok("DELETE", "/v1/folders/two", { directory: "/a" })
      expect((await list("path")).folders).toEqual([])
    }),
  )

  it(
    "gotcha 38: folders are made with their parents and once; a secret does not make its folder",
    at(async ({ bench }) => {
      const deep = { name: "c", path: "/a/b" }
      const { folder } = await bench.ok("POST", "/v1/folders", deep)
      expect((await bench.ok("POST", "/v1/folders", deep)).folder.id).toBe(folder.id)
      expect((await bench.list("&secretPath=/a/b")).status).toBe(200)
      expect(
        await bench.call("POST", "/v3/secrets/raw/A", { secretPath: "/x", secretValue: "1" }),
      ).toMatchObject({
        status: 404,
        body: { message: "Folder with path '/x' in environment with slug 'prod' not found" },
      })
    }),
  )

  it(
    "gotcha 39: a tag that is missing is a 404, and a tag may be made without a colour",
    at(async ({ bench }) => {
      const tags = `/v1/projects/${bench.project}/tags`
      expect((await bench.call("GET", `${tags}/slug/backend`)).status).toBe(404)
      const { tag } = await bench.ok("POST", tags, { slug: "backend", color: "" })
      expect(await bench.ok("GET", `${tags}/slug/backend`)).toMatchObject({
        tag: { id: tag.id, name: "backend", color: "" },
      })
    }),
  )

  it(
    "gotcha 40: a recursive list of thousands of secrets takes well less than the 10 s of the Node SDK",
    at(async (stand) => {
      const { bench } = stand
      for (const path of ["/a", "/b", "/c"]) {
        await bench.folder(path)
        const secrets = Array.from({ length: 1_000 }, (_, index) => ({
          secretKey: `KEY_${index}`,
          secretValue: `value ${index}`,
        }))
        await bench.ok("POST", "/v4/secrets/batch", { secretPath: path, secrets })
      }
      const reply = await fetch(
        `${stand.origin}/api/v3/secrets/raw?workspaceId=${bench.project}&environment=prod&recursive=true`,
        { headers: { authorization: `Bearer ${stand.machine.token}` }, signal: AbortSignal.timeout(10_000) },
      )
      expect(((await reply.json()) as { secrets: [] }).secrets).toHaveLength(3_000)
    }),
  )
}
