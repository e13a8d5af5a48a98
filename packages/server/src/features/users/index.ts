/** People: their accounts and what they are in an organization. */
export {
  changeMembership,
  findUser,
  findUserByEmail,
  hasConfirmedTotp,
  insertMembership,
  insertUser,
  listOrganizationsOf,
  lockPassword,
  type OrganizationMembership,
  removeMembership,
  replacePasswordHash,
  setNames,
  setPasswordHash,
  type User,
} from "./store.ts"
