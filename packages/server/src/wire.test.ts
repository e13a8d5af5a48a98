import { describeWire } from "./testing/describe-wire.ts"

describeWire("sqlite")
