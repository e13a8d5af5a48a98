/**
 * Invitations: a link with which one person, named by e-mail address, joins an organization, with a role there and in
 * projects.
 *
 *   invitations.ts  made, listed, sent again and revoked by administrators, who see the token once; mailed if mail is set up
 *   accept.ts       used once by whoever holds the token and proves to be the account, or chooses the password of a new one
 *
 * What an invitation gives is judged when it is sent, and again when it is used, by what its sender may give then.
 * An account that exists is never given a password by a link: who invited the person has seen that link too.
 */
export { takeInvitationOf } from "./accept.ts"
export { pruneInvitations } from "./invitations.ts"
export { invitationRoutes } from "./routes.ts"
