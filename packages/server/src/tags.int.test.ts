import { describeTags } from "./testing/describe-tags.ts"

describeTags("postgres")
