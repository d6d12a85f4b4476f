/** What is said of a file that a gallery leaves out, or of the whole gallery: the name once, whether the message has it or not. */
export function noticeText({ name, message }: { readonly name: string; readonly message: string }): string {
  return message.startsWith(name) ? message : `${name}: ${message}`;
}
