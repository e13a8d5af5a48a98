import { describeRightsOfTheMoment } from "./testing/describe-rights-of-the-moment.ts"

describeRightsOfTheMoment("sqlite")
