import { describeOidcSignOn } from "./testing/describe-oidc-sign-on.ts"

describeOidcSignOn("sqlite")
