/** The mail that reminds of secrets. Pure. */
export type RemindedSecret = {
  readonly secretId: string
  readonly environment: string
  readonly path: string
  readonly key: string
  readonly dueAt: number
}

const maxListed = 100

/** @param of names in one line each */
export function reminderMailOf(of: {
  readonly projectName: string
  readonly siteUrl: string
  readonly secrets: readonly RemindedSecret[]
}): { readonly subject: string; readonly text: string } {
  const { projectName, secrets } = of
  const listed = secrets
    .slice(0, maxListed)
    .map(
      ({ environment, path, key, dueAt }) =>
        `  ${environment}:${path === "/" ? "" : path}/${key}, due since ${new Date(dueAt).toISOString().slice(0, 10)}`,
    )
  const more = secrets.length - listed.length
  const count = secrets.length === 1 ? "One secret" : `${secrets.length} secrets`
  const lines = [
    `${count} of the project ${projectName} should get a new value:`,
    "",
    ...listed,
    ...(more > 0 ? [`  and ${more} more`] : []),
    "",
    `Coffer at ${of.siteUrl} reminds you, because somebody asked for it. A new value starts the term anew.`,
    "",
  ]
  return { subject: `${count} of ${projectName} should get a new value`, text: lines.join("\n") }
}
