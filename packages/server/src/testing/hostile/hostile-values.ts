/** What callers who mean no good, or mean nothing at all, put where a text belongs. */

/** In every hostile text that is not about its own length: no log line may hold it. */
export const mark = "hostile-7f3a"

export const hostileTexts: readonly string[] = [
  "",
  " ",
  `${mark}\u0000`,
  `${mark}\ud800`,
  `\udfff${mark}`,
  `${mark}\u200b\u202e`,
  `${mark}\r\nx-injected: 1`,
  `../../${mark}`,
  `/${mark}/../..`,
  `..%2f${mark}`,
  `%00${mark}`,
  `'; DROP TABLE project; -- ${mark}`,
  `" OR 1=1 -- ${mark}`,
  `${mark}%' ESCAPE '!`,
  `\${${mark}.\${${mark}}}`,
  `\${dev.sub.${mark}`,
  `{{ ${mark} }}`,
  `<script>${mark}</script>`,
  `(a+)+$${mark}`,
  `!(*(${mark}|**/)**)`,
  "[[[[[[[[[[[[[[[[[[[[",
  "{a,{b,{c,{d,{e}}}}}",
  "\uff21\uff24\uff2d\uff29\uff2e",
  "\u0430dmin",
  "ADMIN",
  "\u212a",
  "e\u0301".repeat(50),
  "\u{1f512}".repeat(100),
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "NaN",
  "Infinity",
  "-1",
  "0x10",
  "1e309",
  "9007199254740993",
  "99999999999999999999",
  "null",
  "true",
  "*",
  "/**",
  "00000000-0000-0000-0000-000000000000",
  "2026-99-99T99:99:99Z",
  "9999999999999-01-01T00:00:00.000Z",
  "file:///etc/passwd",
  "http://127.0.0.1:1/",
  "x".repeat(300),
  "x".repeat(5_000),
  "\u00e4".repeat(3_000),
]

/** What may stand in JSON where something else belongs. */
export const hostileJson: readonly unknown[] = [
  ...hostileTexts,
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  [],
  [[[[]]]],
  [null],
  [mark, mark],
  {},
  { [mark]: mark },
  { length: 1e9 },
  { toString: 1, valueOf: null },
]

/** The worst of them, for trying each in every field: what databases, engines and parsers trip over. */
export const worstJson: readonly unknown[] = [
  `${mark}\u0000`,
  `${mark}\ud800`,
  "x".repeat(5_000),
  "\u00e4".repeat(3_000),
  `../${mark}`,
  "99999999999999999999",
  null,
  -1,
  1.5,
  2 ** 53,
  [],
  [mark],
  {},
]

/** As long as a body has room for: what is looked at character by character, and part by part. */
export const longestTexts: readonly string[] = [
  "x".repeat(1_000_000),
  "/a".repeat(500_000),
  "${KEY}".repeat(150_000),
  "a*".repeat(500_000),
  "\u0000".repeat(150_000),
]

export const worstTexts: readonly string[] = worstJson.filter((value) => typeof value === "string")
