const pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether a text is a UUID as this server writes them. */
export function isUuid(text: string): boolean {
  return pattern.test(text)
}

/** The 16 bytes of a UUID. @throws RangeError when the text is none */
export function uuidBytes(uuid: string): Uint8Array {
  if (!isUuid(uuid)) throw new RangeError("not a UUID in lower case")
  return Buffer.from(uuid.replaceAll("-", ""), "hex")
}
