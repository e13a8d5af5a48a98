/**
 * Go regular expressions (RE2 syntax, linear time) and Go's replacement text: `$1`, `${1}`, `${name}`, `$$`;
 * `$1x` names the group "1x"; an unknown group is empty.
 */
import { type Matcher, RE2JS } from "re2js"

export class RegexpError extends Error {}

export type GoRegexp = {
  /** Does the pattern occur anywhere in the text? */
  test(text: string): boolean
  /** Replaces every occurrence; `template` is expanded by Go's rules. */
  replaceAll(text: string, template: string): string
}

/** Compiles a pattern. Throws {@link RegexpError} for whatever RE2 refuses (look-around, back-references). */
export function compileRegexp(pattern: string): GoRegexp {
  const compiled = compile(pattern)
  return {
    test: (text) => compiled.matcher(text).find(),
    replaceAll: (text, template) => replaceAll(compiled, text, template),
  }
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "not understood"
    throw new RegexpError(`error parsing regexp: ${reason}`, { cause })
  }
}

// Go's loop: an empty match right behind another match is not replaced, and the scan always moves on.
function replaceAll(compiled: RE2JS, text: string, template: string): string {
  const matcher = compiled.matcher(text)
  let output = ""
  let lastEnd = 0
  let position = 0
  while (position <= text.length && matcher.find(position)) {
    const start = matcher.start()
    const end = matcher.end()
    output += text.slice(lastEnd, start)
    if (end > lastEnd || start === 0) output += expand(template, matcher, compiled)
    lastEnd = end
    const width = (text.codePointAt(position) ?? 0) > 0xffff ? 2 : 1
    position = Math.max(position + width, end)
  }
  return output + text.slice(lastEnd)
}

const REFERENCE = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu

function expand(template: string, matcher: Matcher, compiled: RE2JS): string {
  return template.replace(REFERENCE, (whole: string, bare?: string, braced?: string) => {
    if (whole === "$$") return "$"
    return group(bare ?? braced ?? "", matcher, compiled)
  })
}

function group(name: string, matcher: Matcher, compiled: RE2JS): string {
  if (/^\d+$/.test(name)) {
    const index = Number(name)
    return index <= matcher.groupCount() ? (matcher.group(index) ?? "") : ""
  }
  return Object.hasOwn(compiled.namedGroups(), name) ? (matcher.group(name) ?? "") : ""
}
