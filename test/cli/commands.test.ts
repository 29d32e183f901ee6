import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { findBroker } from "../../src/cli/broker-url.ts";
import { readVersion } from "../../src/cli/version.ts";
import { UsageError } from "../../src/index.ts";
import { run } from "./test-io.ts";

const { version } = JSON.parse(readFileSync(join(__dirname, "..", "..", "package.json"), "utf8"));

describe("the command", () => {
  it("tells its version", async () => {
    expect(await run(["--version"])).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: "" });
    expect(readVersion("/")).to.equal("unknown");
    expect(readVersion("/there/is/no/such/file")).to.equal(version); // from the current directory
  });

  it("tells what there is, on standard output when asked and on standard error when not", async () => {
    const asked = await run(["--help"]);
    expect(asked).to.include({ code: 0, stderr: "" });
    expect(asked.stdout)
      .to.match(/^ {2}demo /m)
      .and.match(/^ {2}publish /m);
    expect(await run([])).to.deep.equal({ code: 2, stdout: "", stderr: asked.stdout });
    expect(await run(["help"])).to.deep.equal(asked);
    const unknown = await run(["pubish"]);
    expect(unknown).to.include({ code: 2, stdout: "" });
    expect(unknown.stderr).to.equal(`amqp091: there is no command pubish\n\n${asked.stdout}`);
  });

  for (const command of ["publish", "demo", "broker", "decode"]) {
    it(`has help for ${command}, in lines that fit`, async () => {
      const { code, stdout, stderr } = await run([command, "--bogus", "--help"]);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      expect(stdout).to.include(`Usage: amqp091 ${command}`);
      expect(stdout.split("\n").filter((line) => line.length > 100)).to.deep.equal([]);
      expect((await run(["help", command])).stdout).to.equal(stdout);
    });
  }

  const mistakes: [args: string, says: RegExp][] = [
    ["publish", /--queue NAME or --exchange NAME/],
    ["publish --queue q --bogus", /'--bogus'/],
    ["publish --queue", /--queue/],
    ["publish --queue q --exchange e", /--queue and --exchange, not both/],
    ["publish --queue q --routing-key e", /--queue and --routing-key, not both/],
    ["publish --queue q --ndjson --whole-file", /--ndjson and --whole-file, not both/],
    ["publish --queue q --mandatory --no-mandatory", /--mandatory and --no-mandatory, not both/],
    ["publish --queue q --persistent --transient", /--persistent and --transient, not both/],
    ["publish --exchange e --declare", /--declare declares queues/],
    ["publish --queue q --timeout soon", /--timeout must be a whole number/],
    ["publish --queue q --max-unconfirmed 0", /--max-unconfirmed must be .* at least 1/],
    ["publish --queue q --header x", /NAME=VALUE/],
    ["publish --queue q one two", /one FILE at most/],
    ["publish --queue q amqp://u:secret@h", /after --url/],
    ["publish --queue q --url amqp://u:secret@h:port", /port/],
    ["publish --queue q --url http://u:secret@h", /URI/],
    ["broker --port x", /--port must be a whole number/],
    ["broker --port 65536", /--port must be at most 65535/],
    ["broker --user guest", /NAME:PASSWORD/],
    ["broker --max-message-size 1e9", /--max-message-size must be a whole number/],
    ["broker --port 0 --max-message-size 9999999999", /maxMessageSize is 9999999999/],
    ["broker --quiet --verbose", /--quiet and --verbose, not both/],
    ["broker here", /here/],
    ["demo --messages many", /--messages must be a whole number/],
    ["demo amqp://u:secret@h", /options only/],
    ["amqp://u:secret@h", /no command amqp:\/\/\.\.\.@h/],
  ];
  for (const [args, says] of mistakes) {
    it(`refuses: ${args}`, async () => {
      const { code, stdout, stderr } = await run(args.split(" "));
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
      expect(stderr).to.match(says);
      expect(stderr).not.to.include("secret");
    });
  }
});

describe("the broker", () => {
  it("is the one of --url, else the one of AMQP_URL, else the embedded one", async () => {
    const env = { AMQP_URL: "amqps://u:secret@other/v%2Fh" };
    const named = await findBroker("amqp://u:secret@[::1]:1234", env);
    expect(named).to.include({ embedded: false, description: "[::1]:1234" });
    const fromEnvironment = await findBroker(undefined, env);
    expect(fromEnvironment).to.include({ embedded: false, url: env.AMQP_URL });
    expect(fromEnvironment.description).to.equal("other:5671, virtual host v/h");
    const embedded = await findBroker(undefined, { AMQP_URL: "" });
    expect(embedded.embedded).to.equal(true);
    await embedded.stop();
    const error = await findBroker("amqp://u:sec%ret@h", {}).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(UsageError);
    expect(String(error)).not.to.match(/sec/);
  });
});
