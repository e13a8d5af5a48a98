import { describeMoves } from "./testing/describe-moves.ts"

describeMoves("postgres")
