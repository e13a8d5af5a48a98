import { describeDatabase } from "@coffer/testkit"
import { headChainConformance } from "./testing/head-chain-conformance.ts"

describeDatabase("postgres", "the chain of heads", headChainConformance)
