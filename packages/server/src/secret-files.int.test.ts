import { describeSecretFiles } from "./testing/describe-secret-files.ts"

describeSecretFiles("postgres")
