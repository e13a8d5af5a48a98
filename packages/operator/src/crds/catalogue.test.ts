import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { CUSTOM_RESOURCE_DEFINITIONS } from "./catalogue.ts"
import { CRD_FOLDER, renderCrds } from "./render.ts"
import type { Schema } from "./schema.ts"

const crd = (name: string) => CUSTOM_RESOURCE_DEFINITIONS.find((one) => one.metadata.name === name)!
const at = (schema: Schema, path: string): Schema | undefined =>
  path
    .split(".")
    .reduce<Schema | undefined>(
      (found, part) => (part === "[]" ? found?.items : found?.properties?.[part]),
      schema,
    )
const specOf = (name: string) => crd(name).spec.versions[0]!.schema.openAPIV3Schema
const stored = specOf("externalsecrets.external-secrets.io")

describe("custom resource definitions", () => {
  it("the rendered files are up to date (node packages/operator/src/crds/render.ts)", () => {
    const rendered = renderCrds()
    expect(readdirSync(CRD_FOLDER).sort()).toEqual([...rendered.keys()].sort())
    for (const [file, text] of rendered) expect(readFileSync(join(CRD_FOLDER, file), "utf8")).toBe(text)
  })

  it("every kind of the contract is there, once", () => {
    const kinds = CUSTOM_RESOURCE_DEFINITIONS.map((one) => one.spec.names.kind)
    expect(new Set(kinds).size).toBe(kinds.length)
    expect(kinds).toHaveLength(6 + 17 + 2)
  })

  it("v1beta1 is listed and never served", () => {
    const versions = crd("externalsecrets.external-secrets.io").spec.versions
    expect(versions.map(({ name, served, storage }) => ({ name, served, storage }))).toEqual([
      { name: "v1", served: true, storage: true },
      { name: "v1beta1", served: false, storage: false },
    ])
  })

  it("all 43 providers are accepted and exactly one must be set", () => {
    const provider = at(specOf("secretstores.external-secrets.io"), "spec.provider")
    expect(Object.keys(provider?.properties ?? {})).toHaveLength(43)
    expect(provider).toMatchObject({ minProperties: 1, maxProperties: 1 })
  })

  it.for([
    ["spec.target.creationPolicy", "Owner"],
    ["spec.target.deletionPolicy", "Retain"],
    ["spec.target", { creationPolicy: "Owner", deletionPolicy: "Retain" }],
    ["spec.refreshInterval", "1h0m0s"],
    ["spec.target.template.engineVersion", "v2"],
    ["spec.target.template.mergePolicy", "Replace"],
    ["spec.target.template.templateFrom.[].target", "Data"],
    ["spec.dataFrom.[].rewrite.[].merge.strategy", "Extract"],
    ["spec.dataFrom.[].sourceRef.generatorRef.apiVersion", "generators.external-secrets.io/v1alpha1"],
    ["spec.data.[].remoteRef.conversionStrategy", undefined],
    ["spec.data.[].remoteRef.decodingStrategy", undefined],
    ["spec.data.[].remoteRef.metadataPolicy", undefined],
    ["spec.data.[].remoteRef.nullBytePolicy", undefined],
    ["spec.dataFrom.[].find.decodingStrategy", undefined],
    ["spec.secretStoreRef.kind", undefined],
    ["spec.refreshPolicy", undefined],
  ] as const)("%s defaults to %j", ([path, expected]) => {
    expect(at(stored, path)).toBeDefined()
    expect(at(stored, path)?.default).toEqual(expected)
  })

  it("every field has a description", () => {
    const missing: string[] = []
    const walk = (schema: Schema, path: string) => {
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        if (!field.description && path !== "") missing.push(`${path}.${name}`)
        walk(field, `${path}.${name}`)
        if (field.items) walk(field.items, `${path}.${name}[]`)
      }
    }
    for (const one of CUSTOM_RESOURCE_DEFINITIONS) walk(one.spec.versions[0]!.schema.openAPIV3Schema, "")
    expect(missing).toEqual([])
  })
})
