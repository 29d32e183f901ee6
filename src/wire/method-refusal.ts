/** Says why a method cannot have come from where it came from. */
import { ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "./generated/constants.ts";
import { methodName } from "./generated/method-table.ts";

/** Raises the protocol error for a method that does not exist, or that `sender` may not send. */
export function refuseMethod(id: number, sender: "client" | "server"): never {
  const classId = Math.floor(id / 0x10000);
  const methodId = id % 0x10000;
  const name = methodName(classId, methodId);
  throw new ProtocolError(
    name === undefined
      ? `there is no method with class ${classId} and id ${methodId}`
      : `a ${sender} may not send ${name}`,
    {
      replyCode: REPLY_CODE.commandInvalid,
      expected: `a method that a ${sender} may send`,
      got: name ?? `class ${classId}, method ${methodId}`,
      offset: 0,
    },
  );
}
