/** `target.template`, shared by ExternalSecret and PushSecret. */
import { list, object, oneOf, type Schema, text, textMap } from "./schema.ts"
import { dataKey, objectName } from "./shared.ts"

const templateObject = (kind: string): Schema =>
  object(`Templates from a ${kind}.`, {
    "name!": objectName(`Name of the ${kind}.`),
    "items!": list(
      "Which keys to use.",
      object("One key.", {
        "key!": dataKey("Key that holds the template."),
        templateAs: oneOf(
          "Whether the key holds one value or a document of keys and values.",
          ["Values", "KeysAndValues"],
          {
            default: "Values",
          },
        ),
      }),
    ),
  })

export const DECODING = ["Auto", "Base64", "Base64URL", "None"] as const

export const template: Schema = object("How the Secret is made from the fetched values.", {
  type: text("Type of the Secret."),
  engineVersion: oneOf("Version of the template engine.", ["v2"], { default: "v2" }),
  mergePolicy: oneOf(
    "Whether the template replaces the fetched keys or adds to them.",
    ["Replace", "Merge"],
    {
      default: "Replace",
    },
  ),
  metadata: object("Metadata of the Secret.", {
    annotations: textMap("Annotations; the values are templates."),
    labels: textMap("Labels; the values are templates."),
    finalizers: list("Finalizers.", { type: "string" }),
  }),
  data: textMap("Keys of the Secret; the values are templates."),
  templateFrom: list(
    "Templates kept elsewhere, applied in order.",
    object("One source of templates.", {
      configMap: templateObject("ConfigMap"),
      secret: templateObject("Secret"),
      literal: text("A template that renders to keys and values."),
      target: text("Where the result goes: Data, Labels or Annotations, or a path of a manifest target.", {
        default: "Data",
      }),
      valuesDecodingStrategy: oneOf("How rendered values are decoded.", DECODING),
    }),
  ),
})
