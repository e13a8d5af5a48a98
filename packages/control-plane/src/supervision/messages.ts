/**
 * The protocol between a process and its supervisor: one JSON object per line. Commands go in on standard
 * input, reports come out on standard output. The end of standard input is the command to stop everything.
 */

/** Starts one program; `name` is the caller's and identifies it in reports. */
export type StartCommand = {
  readonly kind: "start"
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Standard output and standard error go here; the caller keeps it inside the supervisor's directory. */
  readonly logPath: string
  readonly stopSignal: "SIGKILL" | "SIGQUIT"
  readonly user?: { readonly uid: number; readonly gid: number }
}

export type Report =
  | { readonly kind: "ready"; readonly directory: string }
  | { readonly kind: "started"; readonly name: string; readonly pid: number }
  | { readonly kind: "refused"; readonly name: string; readonly reason: string }
  | {
      readonly kind: "exited"
      readonly name: string
      readonly exitCode: number | null
      readonly signal: string | null
    }
