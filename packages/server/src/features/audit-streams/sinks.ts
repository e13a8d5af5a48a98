/** Where records go. A sink resolves when it has everything of a batch, and rejects otherwise: then all of it is repeated. */
import { open } from "node:fs/promises"
import type { Writable } from "node:stream"
import type { AuditStreamDestination } from "@coffer/contract"
import type { PublishedRecord } from "../../audit/index.ts"
import { OutboundError, sendDatagrams, sendOutbound, sendOverConnection } from "../../outbound/index.ts"
import { framed, maxDatagramBytes, shortened, syslogMessage } from "./domain.ts"

export type Batch = {
  /** The same for every try of the same events, so that a receiver knows a repetition. */
  readonly id: string
  readonly records: readonly PublishedRecord[]
}

export interface Sink {
  /** Never waits longer than {@link sendTimeoutMs}. */
  send(batch: Batch, signal: AbortSignal): Promise<void>
}

export type SinkOptions = {
  readonly allowPrivateAddresses: boolean
  /** Names this server in syslog messages. */
  readonly hostname: string
  readonly timeoutMs?: number
}

const sendTimeoutMs = 15_000
const maxAnswerBytes = 64 * 1024

/** A receiver answered, and not with success. */
class RefusedError extends Error {
  override readonly name = "RefusedError"
}

/** What may be told of a failure: hosts and status codes, never what was sent or answered. */
export function problemOf(error: unknown): string {
  if (error instanceof RefusedError || error instanceof OutboundError) return error.message
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : ""
  return `The server could not write it${code}; its log says why`
}

export function networkSink(destination: AuditStreamDestination, options: SinkOptions): Sink {
  return destination.kind === "http" ? httpSink(destination, options) : syslogSink(destination, options)
}

function httpSink(to: AuditStreamDestination & { kind: "http" }, options: SinkOptions): Sink {
  return {
    send: async (batch, signal) => {
      const lines = batch.records.map((record) => record.line)
      const isLines = to.format === "ndjson"
      const { status } = await sendOutbound({
        method: "POST",
        url: to.url,
        headers: {
          "content-type": isLines ? "application/x-ndjson" : "application/json",
          "x-coffer-batch": batch.id,
          ...(to.header === undefined ? {} : { [to.header.name.toLowerCase()]: to.header.value }),
        },
        body: isLines ? `${lines.join("\n")}\n` : `{"records":[${lines.join(",")}]}`,
        timeoutMs: options.timeoutMs ?? sendTimeoutMs,
        maxAnswerBytes,
        allowPrivateAddresses: options.allowPrivateAddresses,
        signal,
      })
      if (status < 200 || status > 299) throw new RefusedError(`The receiver answered with status ${status}`)
    },
  }
}

function syslogSink(to: AuditStreamDestination & { kind: "syslog" }, options: SinkOptions): Sink {
  const { host, port, protocol, caCertificate: caPem } = to
  return {
    send: async ({ records }, signal) => {
      const { allowPrivateAddresses, hostname, timeoutMs = sendTimeoutMs } = options
      const target = { host, port, allowPrivateAddresses, timeoutMs, signal }
      const messages = records.map((record) => syslogMessage(record, hostname))
      if (protocol !== "udp") {
        await sendOverConnection(target, framed(messages), { isTls: protocol === "tls", caPem })
        return
      }
      const fitting = records.map((record, index) => {
        const bytes = Buffer.from(messages[index] ?? "", "utf8")
        return bytes.length <= maxDatagramBytes
          ? bytes
          : Buffer.from(syslogMessage(shortened(record), hostname))
      })
      await sendDatagrams(target, fitting)
    },
  }
}

/** Appends to a file that is opened anew for every batch, so that it may be rotated by renaming it. */
export function fileSink(path: string): Sink {
  return {
    send: async ({ records }) => {
      const file = await open(path, "a+", 0o600)
      try {
        const text = records.map((record) => `${record.line}\n`).join("")
        await file.writeFile(`${(await endsInsideLine(file)) ? "\n" : ""}${text}`)
        await file.datasync()
      } finally {
        await file.close()
      }
    },
  }
}

/** After a crash or a full disk the last line may be a part of one; it is repeated whole on a line of its own. */
async function endsInsideLine(file: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return false
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return bytesRead === 1 && buffer[0] !== 0x0a
}

/** Writes to a pipe, one batch after another: whoever does not read it keeps one batch in memory, never two. */
export function pipeSink(pipe: Writable, timeoutMs = sendTimeoutMs): Sink {
  let isPending = false
  return {
    send: async ({ records }, signal) => {
      if (isPending) throw new RefusedError("Nobody reads the output; an earlier batch still waits there")
      isPending = true
      const text = records.map((record) => `${record.line}\n`).join("")
      const writing = new Promise<void>((done, fail) => {
        pipe.write(text, (error) => {
          isPending = false
          if (error instanceof Error) fail(error)
          else done()
        })
      })
      await Promise.race([writing, untilAborted(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))])
    },
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_done, fail) => {
    signal.addEventListener("abort", () => fail(new RefusedError("Nobody reads the output")), { once: true })
  })
}
