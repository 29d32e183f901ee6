import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { ByteWindow } from "../../src/cli/byte-window.ts";

describe("byte window", () => {
  it("lets through what fits, and one at a time of what does not", async () => {
    const window = new ByteWindow(10);
    const passed: number[] = [];
    const done = (async () => {
      for await (const item of window.pass(sizes(4, 6, 1, 50, 2), (size) => size))
        passed.push(item);
    })();
    await turn();
    expect(passed).to.deep.equal([4, 6]);
    window.release(4);
    await turn();
    expect(passed).to.deep.equal([4, 6, 1]);
    window.release(6);
    await turn();
    expect(passed).to.deep.equal([4, 6, 1]);
    window.release(1);
    await turn();
    expect(passed).to.deep.equal([4, 6, 1, 50]);
    window.release(50);
    await done;
    expect(passed).to.deep.equal([4, 6, 1, 50, 2]);
    window.release(2);
    expect(window.bytes).to.equal(0);
  });
});

async function* sizes(...values: number[]): AsyncGenerator<number> {
  yield* values;
}
