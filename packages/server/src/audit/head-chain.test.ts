import { describeDatabase } from "@coffer/testkit"
import { headChainConformance } from "./testing/head-chain-conformance.ts"

describeDatabase("sqlite", "the chain of heads", headChainConformance)
