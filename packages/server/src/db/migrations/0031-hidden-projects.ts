/** A project is out of everybody's sight not only while it is imported, but also while what it held is removed. */
export function hiddenProjects(): readonly string[] {
  return ["alter table project rename column is_importing to is_hidden"]
}
