import { describeOwnRights } from "./testing/describe-own-rights.ts"
import { describeRaces } from "./testing/describe-races.ts"

describeRaces("postgres")
describeOwnRights("postgres")
