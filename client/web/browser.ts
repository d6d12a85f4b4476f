/** Opens an address in the user's browser. */

/** False if no browser could be started, which is no failure: the address was printed. */
export async function openBrowser(url: string): Promise<boolean> {
  const { default: open } = await import('open');
  try {
    await open(url);
    return true;
  } catch {
    return false;
  }
}
