import { hiddenSecretValue, type SecretAnswer, type SecretVersionAnswer } from "@coffer/contract"
import { isoTime } from "../../http/index.ts"
import type { OpenedSecret } from "./domain.ts"
import type { VersionEntry } from "./store.ts"

export function presentSecret(secret: OpenedSecret): SecretAnswer {
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
    createdAt: isoTime(record.createdAt),
    updatedAt: isoTime(record.updatedAt),
    actor: presentActor(record),
    isRotatedSecret: false,
    rotationId: null,
    secretPath: secret.path,
    secretValueHidden: secret.value === undefined,
    secretMetadata: secret.metadata.map((pair) => ({
      key: pair.key,
      value: pair.value,
      isEncrypted: pair.isEncrypted,
    })),
    tags: secret.tags.map((tag) => ({ id: tag.id, slug: tag.slug, name: tag.slug, color: tag.color })),
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
