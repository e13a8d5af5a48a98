import {
  hiddenSecretValue,
  type ImportAnswer,
  type SecretAnswer,
  type SecretVersionAnswer,
} from "@coffer/contract"
import { isoTime } from "../../http/index.ts"
import type { OpenedSecret } from "./domain.ts"
import type { OpenedImport } from "./list-imported.ts"
import type { VersionEntry } from "./version-store.ts"

export function presentSecret(secret: OpenedSecret): SecretAnswer {
  return {
    ...presentContent(secret),
    createdAt: isoTime(secret.record.createdAt),
    updatedAt: isoTime(secret.record.updatedAt),
    secretPath: secret.path,
    tags: secret.tags.map((tag) => ({ id: tag.id, slug: tag.slug, name: tag.slug, color: tag.color })),
  }
}

/** What one import shows; its items lack times, tags and path (contract 1.2). */
export function presentImport(opened: OpenedImport): ImportAnswer {
  return {
    secretPath: opened.path,
    environment: opened.environment,
    ...(opened.folderId === undefined ? {} : { folderId: opened.folderId }),
    secrets: opened.secrets.map(presentContent),
  }
}

function presentContent(secret: OpenedSecret): ImportAnswer["secrets"][number] {
  const { record } = secret
  return {
    id: record.id,
    _id: record.id,
    workspace: record.projectId,
    environment: secret.environment,
    version: record.version,
    type: record.type,
    secretKey: record.key,
    secretValue: secret.value ?? hiddenSecretValue,
    secretComment: secret.comment,
    secretReminderNote: record.reminderNote,
    secretReminderRepeatDays: record.reminderRepeatDays,
    skipMultilineEncoding: record.skipMultilineEncoding,
    actor: presentActor(record),
    isRotatedSecret: false,
    rotationId: null,
    secretValueHidden: secret.value === undefined,
    secretMetadata: secret.metadata.map((pair) => ({
      key: pair.key,
      value: pair.value,
      isEncrypted: pair.isEncrypted,
    })),
  }
}

export function presentVersion(entry: VersionEntry): SecretVersionAnswer {
  return {
    id: `${entry.secretId}:${entry.version}`,
    secretId: entry.secretId,
    version: entry.version,
    type: entry.type,
    secretKey: entry.key,
    isDeleted: entry.op === "delete",
    actor: presentActor(entry),
    createdAt: isoTime(entry.at),
  }
}

function presentActor(of: { readonly actorId: string; readonly actorType: string }) {
  return { actorId: of.actorId, actorType: of.actorType, name: null, membershipId: null, groupId: null }
}
