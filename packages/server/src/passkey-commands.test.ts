import { describePasskeyCommands } from "./testing/describe-passkey-commands.ts"

describePasskeyCommands("sqlite")
