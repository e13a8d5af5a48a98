import { describeDatabase } from "@coffer/testkit"
import { keyringConformance } from "./testing/keyring-conformance.ts"

describeDatabase("postgres", "keyring", keyringConformance)
