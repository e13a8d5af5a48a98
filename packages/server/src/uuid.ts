/** The 16 bytes of a UUID. @throws RangeError when the text is none */
export function uuidBytes(uuid: string): Uint8Array {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid))
    throw new RangeError("not a UUID in lower case")
  return Buffer.from(uuid.replaceAll("-", ""), "hex")
}
