import type { RestoreMoment } from "@coffer/client"
import { CommandError } from "./command-error.ts"

const unitMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/**
 * What people write for a moment: a revision (`1234`), a time (`2026-01-31T14:00:00Z`, `2026-01-31 14:00`), a day word
 * (`yesterday 14:00`, `today 09:30`), or a distance (`2 hours ago`). Times without an offset are of this machine.
 *
 * @param now milliseconds since the epoch
 * @throws CommandError "invalid"
 */
export function parseMoment(flag: string, text: string, now: number): RestoreMoment {
  const written = text.trim().toLowerCase()
  if (/^\d{1,12}$/.test(written)) return { revision: Number(written) }
  const time = timeOf(written, now)
  if (time === undefined || Number.isNaN(time)) {
    const examples = "a revision, '2026-01-31 14:00', 'yesterday 14:00' or '2 hours ago'"
    throw new CommandError("invalid", `${flag}: expected ${examples}`)
  }
  if (time > now) throw new CommandError("invalid", `${flag}: that moment has not come yet`)
  return { time: new Date(time).toISOString() }
}

function timeOf(written: string, now: number): number | undefined {
  const ago = /^(\d{1,5}) ?(minute|hour|day)s? ago$/.exec(written)
  if (ago !== null) return now - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs]
  const day = /^(today|yesterday)(?: (\d{1,2}):(\d{2}))?$/.exec(written)
  if (day !== null) {
    const date = new Date(now)
    const back = day[1] === "yesterday" ? 1 : 0
    const [hours, minutes] = [Number(day[2] ?? 0), Number(day[3] ?? 0)]
    if (hours > 23 || minutes > 59) return undefined
    return new Date(date.getFullYear(), date.getMonth(), date.getDate() - back, hours, minutes).getTime()
  }
  const isDate = /^\d{4}-\d{2}-\d{2}([t ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(z|[+-]\d{2}:\d{2})?)?$/.test(
    written,
  )
  if (!isDate) return undefined
  const iso = written.replace(" ", "T").toUpperCase()
  // A date alone would be read as midnight of UTC.
  return Date.parse(iso.length === 10 ? `${iso}T00:00` : iso)
}
