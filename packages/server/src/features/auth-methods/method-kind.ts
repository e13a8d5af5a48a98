/** What a kind of auth method has to say for itself; storing, rights, routes, events and tokens are the same for all. */
import type { AuditMetadata } from "../../audit/audit-event.ts"
import type { Random } from "../../random.ts"
import type { OrganizationWrite } from "../../use-case/index.ts"
import type { AuthMethod } from "./domain.ts"

export type MethodName = "universal-auth" | "token-auth" | "kubernetes-auth" | "jwt-auth" | "oidc-auth"

/** What a method's settings are made with. */
export type SettingsContext = {
  /** Seals a field of this method's record. */
  seal(field: string, text: string): string
  /** Whether who gives the settings manages the credentials of the organization. */
  readonly isAdministrator: boolean
}

export type MethodKind<Wanted, Settings extends object> = {
  readonly kind: MethodName
  /** As messages name it. */
  readonly title: string
  /** What an actor needs to give it to an identity, and to change it. */
  readonly permission: "edit-identities" | "manage-credentials"
  /**
   * The settings to keep: what is wanted, over what there was.
   * @throws AppError "invalid" naming the field that is missing or wrong
   */
  settingsOf(wanted: Wanted, old: Settings | undefined, context: SettingsContext): Settings
  /** The public name under which the method is found at a login, where that is not the identity's id. */
  createClientId?(random: Random): string
  /** What the audit log shows beside the limits of tokens: nothing that is sealed. */
  shownOf?(method: AuthMethod<Settings>): AuditMetadata
  /** Removes what would outlive the method; its tokens are revoked anyway. */
  clean?(write: Pick<OrganizationWrite, "db">, method: AuthMethod<Settings>): Promise<void>
}
