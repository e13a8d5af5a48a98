/** People: their accounts and what they are in an organization. */
export {
  findUser,
  findUserByEmail,
  hasConfirmedTotp,
  insertMembership,
  insertUser,
  listOrganizationsOf,
  lockPassword,
  type OrganizationMembership,
  replacePasswordHash,
  setPasswordHash,
  type User,
} from "./store.ts"
