import { describeSecrets } from "./testing/describe-secrets.ts"

describeSecrets("postgres")
