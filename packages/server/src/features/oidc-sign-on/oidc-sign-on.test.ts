import { describeCommandLogin } from "./testing/describe-command-login.ts"
import { describeOidcSignOn } from "./testing/describe-oidc-sign-on.ts"
import { describeSignOnFactors } from "./testing/describe-sign-on-factors.ts"

describeOidcSignOn("sqlite")
describeCommandLogin("sqlite")
describeSignOnFactors("sqlite")
