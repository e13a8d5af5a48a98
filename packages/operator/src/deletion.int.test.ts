import { SECRETS } from "@coffer/kube-runtime"
import { describe, expect, it } from "vitest"
import { EXTERNAL_SECRET_FINALIZER } from "./api/names.ts"
import { EXTERNAL_SECRETS } from "./api/resources.ts"
import { describeWithCluster, eventually } from "./testing/cluster.ts"
import { secretMissing } from "./testing/secret-server.ts"
import { storeScene } from "./testing/store-scene.ts"

describeWithCluster("deletion on a real API server", (clusterOf) => {
  const scene = storeScene(clusterOf)
  const { create, get, secret, findSecret, plain, touch, untilReason, untilSynced, untilMessage, pause } =
    scene

  describe("deletion", () => {
    it("of a target that the API server refuses is reported as that, and tried again", async () => {
      const name = `keep-${scene.namespace}`
      const group = "admissionregistration.k8s.io/v1"
      const policy = (kind: string, spec: object) =>
        JSON.stringify({ apiVersion: group, kind, metadata: { name }, spec })
      const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["secrets"] }
      const expression = `oldObject.metadata.namespace != "${scene.namespace}"`
      await scene.cluster.kubectl(
        ["apply", "-f", "-"],
        policy("ValidatingAdmissionPolicy", {
          matchConstraints: { resourceRules: [rule] },
          validations: [{ expression, message: "kept" }],
        }),
      )
      await scene.cluster.kubectl(
        ["apply", "-f", "-"],
        policy("ValidatingAdmissionPolicyBinding", { policyName: name, validationActions: ["Deny"] }),
      )
      await create("kept", { target: { deletionPolicy: "Delete" } })
      await untilSynced("kept")
      const attempt = () =>
        scene.cluster.client.delete(SECRETS, { namespace: scene.namespace, name: "kept" }, { dryRun: true })
      await eventually(() => expect(attempt()).rejects.toThrow("kept"))
      scene.values = {}
      await touch("kept", "gone")
      await untilMessage("kept", "could not delete secret")
      expect(plain(await secret("kept"))).toEqual({ a: "1" })
      await scene.cluster.kubectl([
        "delete",
        "validatingadmissionpolicybinding,validatingadmissionpolicy",
        name,
      ])
      await untilReason("kept", "SecretDeleted")
      expect(await findSecret("kept")).toBeUndefined()
    })

    it("never takes a copy that somebody made of a target", async () => {
      await create("original")
      await untilSynced("original")
      const { labels, annotations } = (await secret("original")).metadata
      await scene.cluster.client.create(SECRETS, {
        metadata: { namespace: scene.namespace, name: "copy", labels: labels!, annotations: annotations! },
        stringData: { a: "1" },
      })
      await pause(500) // so that the operator has seen the copy
      await touch("original", "again")
      await eventually(async () =>
        expect((await secret("original")).metadata.annotations?.["force-sync"]).toBe("again"),
      )
      await untilSynced("original")
      expect(await findSecret("copy")).toBeDefined()
    })

    it("of an ExternalSecret removes the finalizer; with Delete also the Secret", async () => {
      await create("keep")
      await create("remove", { target: { deletionPolicy: "Delete" } })
      await untilSynced("keep")
      await untilSynced("remove")
      expect((await get("keep")).metadata.finalizers).toEqual([EXTERNAL_SECRET_FINALIZER])
      for (const name of ["keep", "remove"])
        await scene.cluster.client.delete(EXTERNAL_SECRETS, { namespace: scene.namespace, name })
      await eventually(async () => {
        for (const name of ["keep", "remove"])
          expect(
            await scene.cluster.client.find(EXTERNAL_SECRETS, { namespace: scene.namespace, name }),
          ).toBeUndefined()
      })
      expect(await findSecret("keep")).toBeDefined() // this cluster has no garbage collector
      expect(await findSecret("remove")).toBeUndefined()
    })

    it("of the secret at the provider deletes the Secret only with deletionPolicy Delete", async () => {
      const target = (deletionPolicy: "Delete" | "Merge" | "Retain") => ({
        refreshInterval: "1h",
        target: { deletionPolicy },
      })
      for (const policy of ["Delete", "Merge", "Retain"] as const) {
        await create(policy.toLowerCase(), target(policy))
        await untilSynced(policy.toLowerCase())
      }
      scene.values = {}
      for (const name of ["delete", "merge", "retain"]) await touch(name, "gone")
      await untilReason("delete", "SecretDeleted")
      await untilReason("retain", "SecretSyncedError")
      await eventually(async () => expect(plain(await secret("merge"))).toEqual({}))
      expect(await findSecret("delete")).toBeUndefined()
      expect(plain(await secret("retain"))).toEqual({ a: "1" })
    })

    it.for([
      ["a wrong slug", { status: 404, body: { message: "Project with slug 'shop' not found" } }],
      [
        "a missing folder",
        { status: 404, body: { message: "Folder with path '/' in environment with slug 'prod' not found" } },
      ],
      ["no right", { status: 403, body: { message: "You are not a member of this project" } }],
      ["a broken server", { status: 500, body: { message: "Something went wrong" } }],
      ["a busy server", { status: 429, body: { message: "slow down" }, headers: { "retry-after": "1" } }],
      ["a page instead of JSON", { status: 200, body: "<html>" }],
    ] as const)("a failing provider never empties or deletes a Secret: %s", async ([, answer]) => {
      await create("data", { target: { deletionPolicy: "Delete" } })
      await create("find", { target: { deletionPolicy: "Delete" }, data: [], dataFrom: [{ find: {} }] })
      await untilSynced("data")
      await untilSynced("find")
      scene.answers = answer
      for (const name of ["data", "find"]) await touch(name, "again")
      for (const name of ["data", "find"]) await untilReason(name, "SecretSyncedError")
      expect(plain(await secret("data"))).toEqual({ a: "1" })
      expect(plain(await secret("find"))).toEqual({ A: "1", B: "2" })
      scene.answers = undefined
      for (const name of ["data", "find"]) await untilSynced(name)
    })

    it("an empty find in a folder that isn't there never deletes", async () => {
      await create("find", { target: { deletionPolicy: "Delete" }, data: [], dataFrom: [{ find: {} }] })
      await untilSynced("find")
      scene.values = {}
      scene.server.behave({
        single: () => ({ status: 404, body: { message: "Folder with path '/' not found" } }),
      })
      await touch("find", "again")
      await untilReason("find", "SecretSyncedError")
      expect(plain(await secret("find"))).toEqual({ A: "1", B: "2" })
      scene.server.behave({ single: (name) => scene.answers ?? secretMissing(name) })
      await touch("find", "and again")
      await untilReason("find", "SecretDeleted")
    })
  })
})
