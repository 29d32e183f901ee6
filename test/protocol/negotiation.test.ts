import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import {
  CHANNEL_MAX_CAP,
  DEFAULT_PROPOSAL,
  FRAME_MAX_CAP,
  negotiate,
  type Tuning,
} from "../../src/protocol/negotiation.ts";
import { raised } from "../wire/octets.ts";

/** Frame-max, channel-max, heartbeat. */
type Row = readonly [number, number, number];

function tuning([frameMax, channelMax, heartbeatSeconds]: Row): Tuning {
  return { frameMax, channelMax, heartbeatSeconds };
}

describe("negotiate", () => {
  const table: readonly (readonly [what: string, ours: Row, theirs: Row, both: Row])[] = [
    ["the server's are lower", [9000, 90, 60], [8000, 80, 50], [8000, 80, 50]],
    ["ours are lower", [8000, 80, 50], [9000, 90, 60], [8000, 80, 50]],
    ["the same", [8000, 80, 50], [8000, 80, 50], [8000, 80, 50]],
    ["the server has no limit", [8000, 80, 50], [0, 0, 0], [8000, 80, 50]],
    [
      "we have no limit, but an explicit 0 of ours is off",
      [0, 0, 0],
      [8000, 80, 50],
      [8000, 80, 0],
    ],
    ["neither has a limit", [0, 0, 0], [0, 0, 0], [FRAME_MAX_CAP, CHANNEL_MAX_CAP, 0]],
    ["the least", [131_072, 1, 1], [4096, 65_535, 65_535], [4096, 1, 1]],
  ];
  for (const [what, ours, theirs, both] of table) {
    it(what, () => {
      expect(negotiate(tuning(ours), tuning(theirs))).to.deep.equal(tuning(both));
    });
  }

  it("with RabbitMQ's defaults gives RabbitMQ's defaults", () => {
    const theirs = tuning([131_072, 2047, 60]);
    expect(negotiate(DEFAULT_PROPOSAL, theirs)).to.deep.equal(theirs);
  });

  it("refuses a frame-max below what AMQP guarantees", () => {
    const error = raised(ProtocolError, () => negotiate(DEFAULT_PROPOSAL, tuning([4095, 0, 0])));
    expect(error).to.include({ replyCode: 502, phase: "tuning" });
    expect(error.expected).to.contain("4096");
    expect(error.got).to.equal("4095");
  });

  it("gives what fits in the fields of tune-ok", () => {
    expect(FRAME_MAX_CAP).to.be.at.most(0xffff_ffff);
    expect(CHANNEL_MAX_CAP).to.be.at.most(0xffff);
  });
});
