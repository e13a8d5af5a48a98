import type { ColumnTypes } from "./column-types.ts"

/**
 * A name is taken once in a folder, and once for each who overrides it. The index begins with the folder and leaves no row
 * out: with one of shared and one of personal secrets, deleting a folder read every secret there is to find those that go
 * with it. That of personal ones stays: there are few, and some statements look for them alone.
 */
export function secretNames(_types: ColumnTypes): readonly string[] {
  return [
    "create unique index secret_name on secret (folder_id, key, coalesce(user_id, ''))",
    "drop index secret_shared_key",
  ]
}
