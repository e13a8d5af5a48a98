import type { ProjectAnswer } from "@coffer/contract"
import { isoTime } from "../../http/index.ts"
import type { ProjectView } from "./service.ts"

/** Clients know this number as the generation of the data model; ours is the newest one they know. */
const dataModelVersion = 3
const shownVersionLimit = 10

export function presentProject(view: ProjectView): ProjectAnswer {
  const { project } = view
  return {
    id: project.id,
    _id: project.id,
    name: project.name,
    slug: project.slug,
    type: "secret-manager",
    description: project.description,
    orgId: project.orgId,
    autoCapitalization: project.autoCapitalization,
    createdAt: isoTime(project.createdAt),
    updatedAt: isoTime(project.updatedAt),
    version: dataModelVersion,
    upgradeStatus: null,
    pitVersionLimit: project.versionLimit ?? shownVersionLimit,
    kmsCertificateKeyId: null,
    auditLogsRetentionDays: project.auditRetentionDays,
    hasDeleteProtection: project.hasDeleteProtection,
    secretSharing: true,
    showSnapshotsLegacy: false,
    secretDetectionIgnoreValues: null,
    defaultProduct: null,
    enforceEncryptedSecretManagerSecretMetadata: null,
    environments: view.environments.map(({ id, name, slug }) => ({ id, name, slug })),
  }
}

export function presentProjectWithRoles(view: ProjectView): ProjectAnswer {
  return { ...presentProject(view), roles: view.roles.map((slug) => ({ slug })) }
}
