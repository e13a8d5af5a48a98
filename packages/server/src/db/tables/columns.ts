/** How the columns of both databases are read: ids and JSON are text, times integer milliseconds, booleans 0 or 1. */
export type Millis = number
export type Flag = 0 | 1
export type Json = string
