import { describePersonalSecrets } from "./testing/describe-personal-secrets.ts"

describePersonalSecrets("postgres")
