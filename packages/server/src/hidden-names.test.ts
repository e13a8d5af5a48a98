import { describeHiddenNames } from "./testing/describe-hidden-names.ts"

describeHiddenNames("sqlite")
