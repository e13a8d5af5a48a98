import { describeDatabase } from "@coffer/testkit"
import { keyringConformance } from "./testing/keyring-conformance.ts"

describeDatabase("sqlite", "keyring", keyringConformance)
