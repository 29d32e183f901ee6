/**
 * The embedded broker, as it is published, in a process of its own: tells its `{ url }` to the parent
 * when it listens, and ends with it.
 */
export {};

async function main(): Promise<void> {
  const { startBroker } = (await import(
    "../../dist/testing.js" as string
  )) as typeof import("../../src/testing.ts");
  const { url } = await startBroker();
  process.on("disconnect", () => process.exit());
  process.send?.({ url });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
