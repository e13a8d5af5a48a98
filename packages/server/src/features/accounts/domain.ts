/** A person as the administrators of an organization see it. */
export type Member = {
  readonly userId: string
  readonly email: string
  readonly firstName: string
  readonly lastName: string
  readonly role: string
  readonly isActive: boolean
  readonly hasPassword: boolean
  readonly hasSecondFactor: boolean
  readonly joinedAt: number
  readonly lastLoginAt: number | null
}
