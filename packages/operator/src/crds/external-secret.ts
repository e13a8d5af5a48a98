/** Schemas of ExternalSecret and ClusterExternalSecret. */
import { exactlyOne, flag, list, object, oneOf, type Schema, text, textMap } from "./schema.ts"
import {
  conditions,
  dataKey,
  duration,
  generatorRef,
  labelSelector,
  namespaceName,
  objectName,
  refreshTime,
  storeRef,
} from "./shared.ts"
import { DECODING, template } from "./template.ts"

const SCHEDULE =
  "^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every [^\\s]+.*|[^\\s]+( [^\\s]+){4})$"

// None of these has a schema default: they live in atomic lists, where a default shows up as drift in GitOps tools.
const valueHandling = {
  conversionStrategy: oneOf("How characters that no Secret key may have are replaced.", [
    "Default",
    "Unicode",
  ]),
  decodingStrategy: oneOf("How values are decoded.", DECODING),
  nullBytePolicy: oneOf("What happens to values with null bytes.", ["Ignore", "Fail"]),
}

const remoteRef = (description: string): Schema =>
  object(description, {
    "key!": text("Key of the secret at the provider."),
    property: text("Path of one property inside the value."),
    version: text("Version of the secret, where the provider has versions."),
    metadataPolicy: oneOf("Whether metadata is fetched instead of the value.", ["None", "Fetch"]),
    ...valueHandling,
  })

const sourceRef: Schema = object(
  "Another source than spec.secretStoreRef.",
  {
    storeRef: storeRef("Store for this entry."),
    generatorRef: generatorRef("Generator that makes the values."),
  },
  exactlyOne,
)

const rewrite: Schema = list(
  "Changes to the keys, applied in order.",
  object(
    "One change.",
    {
      regexp: object("Replaces what a regular expression matches.", {
        "source!": text("Expression to look for (RE2)."),
        "target!": text("Replacement; $1 and ${name} refer to groups."),
      }),
      transform: object("Renders a template for each key.", {
        "template!": text("Template; .value is the key."),
      }),
      merge: object("Merges the JSON objects that the keys hold.", {
        into: text("Key that receives the merged object (strategy JSON).", { default: "" }),
        priority: list("Keys that win over the others, the last one most.", { type: "string" }),
        priorityPolicy: oneOf("What happens when a priority key is missing.", ["IgnoreNotFound", "Strict"], {
          default: "Strict",
        }),
        conflictPolicy: oneOf("What happens when two objects have the same key.", ["Ignore", "Error"], {
          default: "Error",
        }),
        strategy: oneOf(
          "Whether the merged keys are taken out or kept as one JSON value.",
          ["Extract", "JSON"],
          {
            default: "Extract",
          },
        ),
      }),
    },
    exactlyOne,
  ),
)

const target: Schema = object(
  "The Secret to be made.",
  {
    name: objectName("Name of the Secret; the name of the ExternalSecret when absent."),
    creationPolicy: oneOf(
      "Whether the Secret is created, owned or only completed.",
      ["Owner", "Orphan", "Merge", "None", "CreateOrMerge"],
      { default: "Owner" },
    ),
    deletionPolicy: oneOf(
      "What happens when the provider has no secret any more.",
      ["Delete", "Merge", "Retain"],
      {
        default: "Retain",
      },
    ),
    immutable: flag("Whether the Secret may never change."),
    manifest: object("Another kind of object than a Secret; needs a flag of the operator.", {
      "apiVersion!": text("API version of the object.", { minLength: 1 }),
      "kind!": text("Kind of the object.", { minLength: 1 }),
    }),
    template,
  },
  { default: { creationPolicy: "Owner", deletionPolicy: "Retain" } },
)

const syncWindows: Schema = object("When refreshes may or may not happen.", {
  "kind!": oneOf("Whether the windows allow or forbid.", ["allow", "deny"]),
  "windows!": list(
    "The windows.",
    object("One window.", {
      "schedule!": text("Cron expression (five fields, UTC) of the window's begin.", {
        minLength: 1,
        pattern: SCHEDULE,
      }),
      "duration!": duration("How long the window stays open."),
    }),
    { minItems: 1 },
  ),
})

export const externalSecretSpec: Schema = object("What to fetch, and which Secret to make of it.", {
  secretStoreRef: storeRef("Store that the values come from."),
  target,
  refreshPolicy: oneOf("When the values are fetched again.", ["CreatedOnce", "Periodic", "OnChange"]),
  refreshInterval: duration("How often the values are fetched again; 0 means once.", { default: "1h0m0s" }),
  syncWindows,
  data: list(
    "Single values.",
    object("One value.", {
      "secretKey!": dataKey("Key in the Secret."),
      "remoteRef!": remoteRef("Where the value is at the provider."),
      sourceRef,
    }),
  ),
  dataFrom: list(
    "Many values at once.",
    object("One source of values.", {
      extract: remoteRef("One secret whose value is a JSON object; each member becomes a key."),
      find: object("All secrets that match.", {
        path: text("Where to look."),
        name: object("By name.", { regexp: text("Expression that names must match (RE2).") }),
        tags: textMap("By tags."),
        ...valueHandling,
      }),
      rewrite,
      sourceRef,
    }),
  ),
})

export const externalSecretStatus: Schema = object("What the operator did.", {
  refreshTime,
  syncedResourceVersion: text("Generation and hash of labels and annotations at the last success."),
  conditions: conditions(["Ready", "Deleted"]),
  binding: object(
    "The Secret that was made.",
    { name: text("Name of the Secret.", { default: "" }) },
    { "x-kubernetes-map-type": "atomic" },
  ),
})

export const clusterExternalSecretSpec: Schema = object("The same ExternalSecret in many namespaces.", {
  "externalSecretSpec!": externalSecretSpec,
  externalSecretName: objectName("Name of the ExternalSecrets; the name of this object when absent."),
  externalSecretMetadata: object("Metadata of the ExternalSecrets.", {
    labels: textMap("Labels."),
    annotations: textMap("Annotations."),
  }),
  namespaceSelector: labelSelector("Deprecated: use namespaceSelectors."),
  namespaceSelectors: list("Namespaces by label; one match is enough.", labelSelector("One selector.")),
  namespaces: list("Deprecated: namespaces by name.", namespaceName("Name of a namespace.")),
  refreshTime: duration("How often the namespaces are looked at again."),
})

export const clusterExternalSecretStatus: Schema = object("What the operator did.", {
  externalSecretName: text("Name of the ExternalSecrets made."),
  failedNamespaces: list(
    "Namespaces where it failed.",
    object("One namespace.", { "namespace!": text("Its name."), reason: text("Why it failed.") }),
  ),
  provisionedNamespaces: list("Namespaces where it worked.", { type: "string" }),
  conditions: list(
    "What is known about this object now.",
    object("One condition.", {
      "type!": text("What the condition is about."),
      "status!": text("True, False or Unknown."),
      message: text("The same for people."),
    }),
  ),
})
