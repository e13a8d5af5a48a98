import { type Environment, runCoffer } from "../apps/coffer/src/demo/processes.ts"

/** Sets a server up and logs its admin identity in, for tests that count the sessions of the person. */
export async function bootstrapAsMachine(
  env: Environment,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<void> {
  const args = ["bootstrap", "--email", email, "--organization", "Acme", "--password-file", "-"]
  const { stdout } = await succeed([...args, "--output", "json"], env, password)
  const { token } = JSON.parse(stdout).identity.credentials
  await succeed(["login", "--method", "token", "--token-file", "-"], env, token)
}

async function succeed(args: readonly string[], env: Environment, stdin: string) {
  const done = await runCoffer(args, env, { stdin })
  if (done.exitCode !== 0) throw new Error(`coffer ${args[0]} failed: ${done.stderr}`)
  return done
}
