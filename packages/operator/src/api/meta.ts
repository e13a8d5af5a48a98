/** The parts of Kubernetes object metadata and conditions that the operator reads and writes. */

export type Condition = {
  readonly type: string
  readonly status: "True" | "False" | "Unknown"
  readonly reason?: string | undefined
  readonly message?: string | undefined
  readonly lastTransitionTime?: string | undefined
}

export type SecretKeySelector = {
  readonly name?: string | undefined
  readonly namespace?: string | undefined
  readonly key?: string | undefined
}

export type LabelSelector = {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
    readonly values?: readonly string[]
  }[]
}
