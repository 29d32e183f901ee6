import { inspect } from "node:util";
import { expect } from "chai";
import { CredentialsError, UsageError } from "../../src/errors.ts";
import {
  amqplain,
  anonymous,
  chooseCredentials,
  crDemo,
  external,
  parseMechanisms,
  plain,
} from "../../src/protocol/sasl.ts";
import { readTable } from "../../src/wire/field-table.ts";
import { Reader } from "../../src/wire/reader.ts";
import { encodeText } from "../../src/wire/text.ts";
import { concat, hex, toHex } from "../wire/octets.ts";
import { Conversation, SETTINGS, START } from "./support.ts";

describe("plain", () => {
  it("is a zero, the user name, a zero, the password (RFC 4616)", () => {
    const credentials = plain("tim", "tänstaaftl");
    expect(credentials.mechanism).to.equal("PLAIN");
    expect(credentials.respond()).to.deep.equal(encodeText("\0tim\0tänstaaftl"));
    expect(plain("", "").respond()).to.deep.equal(Uint8Array.of(0, 0));
  });

  it("refuses a zero character, which would move the border, and does not show the password", () => {
    expect(() => plain("a\0b", "secret"))
      .to.throw(UsageError)
      .with.property("message")
      .not.match(/secret/);
    expect(() => plain("user", "sec\0ret"))
      .to.throw(UsageError)
      .with.property("message")
      .not.match(/sec/);
  });
});

describe("amqplain", () => {
  it("is a field table without its length", async () => {
    const credentials = amqplain("guest", "geheim");
    expect(credentials.mechanism).to.equal("AMQPLAIN");
    const response = await credentials.respond();
    const length = hex(response.length.toString(16).padStart(8, "0"));
    expect(readTable(new Reader(concat(length, response)))).to.deep.equal({
      LOGIN: "guest",
      PASSWORD: "geheim",
    });
    expect(toHex(response.subarray(0, 7))).to.equal("05 4c 4f 47 49 4e 53");
  });
});

describe("external", () => {
  it("says nothing: the transport knows who we are", () => {
    expect(external().mechanism).to.equal("EXTERNAL");
    expect(external().respond()).to.deep.equal(new Uint8Array(0));
  });
});

describe("credentials", () => {
  it("show no secret when they are looked at", () => {
    for (const credentials of [plain("user", "geheim"), amqplain("user", "geheim")]) {
      const shown = inspect(credentials, { depth: 9, showHidden: true });
      expect(shown + JSON.stringify(credentials)).not.to.contain("geheim");
    }
  });
});

describe("parseMechanisms", () => {
  it("splits at spaces", () => {
    expect(parseMechanisms(encodeText("PLAIN AMQPLAIN"))).to.deep.equal(["PLAIN", "AMQPLAIN"]);
    expect(parseMechanisms(encodeText("  EXTERNAL "))).to.deep.equal(["EXTERNAL"]);
    expect(parseMechanisms(encodeText(""))).to.deep.equal([]);
  });
});

describe("crDemo", () => {
  it("is the user name, and the password for a challenge", () => {
    const credentials = crDemo("tim", "geheim");
    expect(credentials.mechanism).to.equal("RABBIT-CR-DEMO");
    expect(credentials.respond()).to.deep.equal(encodeText("tim"));
    expect(credentials.respond(encodeText("Please tell me your password"))).to.deep.equal(
      encodeText("My password is geheim"),
    );
    expect(inspect(credentials, { depth: 9, showHidden: true })).not.to.contain("geheim");
  });
});

describe("anonymous", () => {
  it("is a trace, or nothing (RFC 4505)", () => {
    expect(anonymous().mechanism).to.equal("ANONYMOUS");
    expect(anonymous().respond()).to.deep.equal(new Uint8Array(0));
    expect(anonymous("a job, ü").respond()).to.deep.equal(encodeText("a job, ü"));
  });

  it("refuses a trace of more than 255 characters", () => {
    // A character may be two units of a JavaScript string.
    expect(anonymous("😀".repeat(255)).respond()).to.have.length(255 * 4);
    expect(() => anonymous("x".repeat(256))).to.throw(UsageError, "255");
  });
});

describe("chooseCredentials", () => {
  const [a, b] = [plain("u", "p"), external()];

  it("takes the first that is on offer", () => {
    expect(chooseCredentials([a, b], ["EXTERNAL", "PLAIN"])).to.equal(a);
    expect(chooseCredentials([a, b], ["X", "EXTERNAL"])).to.equal(b);
  });

  it("takes the only one, whatever is on offer", () => {
    expect(chooseCredentials([b], ["PLAIN"])).to.equal(b);
    expect(chooseCredentials([b], [])).to.equal(b);
  });

  it("raises where none of a choice is on offer", () => {
    expect(() => chooseCredentials([a, b], ["X"])).to.throw(CredentialsError, "none of PLAIN, EXT");
  });
});

describe("ConnectionMachine", () => {
  const inLogin = (mechanism?: string, responseSize = 0): Conversation => {
    const talk = new Conversation();
    talk.takeOctets(); // the protocol header
    talk.say(0, START);
    talk.machine.respond(new Uint8Array(responseSize), mechanism);
    return talk;
  };
  const lossOf = (talk: Conversation): string => {
    talk.machine.receiveEnd();
    return String(talk.machine.takeEvents().map((event) => "error" in event && event.error));
  };

  it("goes with the mechanism of the response, else that of its settings", () => {
    const mechanismOf = (talk: Conversation): unknown =>
      talk.takeMethods().find(({ name }) => name === "connection.start-ok");
    expect(mechanismOf(inLogin("AMQPLAIN"))).to.include({ mechanism: "AMQPLAIN" });
    expect(mechanismOf(inLogin())).to.include({ mechanism: SETTINGS.mechanism });
  });

  it("says what the server offers when it hangs up at something else", () => {
    expect(lossOf(inLogin("EXTERNAL"))).to.match(/offers PLAIN, AMQPLAIN .*, and not EXTERNAL/);
    expect(lossOf(inLogin("AMQPLAIN"))).to.match(/check user name and password/);
    expect(lossOf(inLogin())).to.match(/check user name and password/);
  });

  it("says that the login was too large, where it was larger than a broker has to take", () => {
    const least = inLogin().takeOctets().length;
    expect(lossOf(inLogin(undefined, 4096 - least))).to.match(/check user name and password/);
    expect(lossOf(inLogin(undefined, 4097 - least))).to.match(
      /a frame of 4097 octets, .* not take more than 4096: is a token, .*, too long/,
    );
  });
});
