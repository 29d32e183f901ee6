"""pamqp's decoder (Debian's python3-pamqp). Started by ../capture.ts.

In: lines of hex, each a whole frame. Out: JSON, a line for each.
"""
import datetime
import decimal
import json
import sys

from pamqp import body, frame, header, heartbeat

RENAMED = {"exchange_type": "type", "message_type": "type", "global_": "global"}


def value(v):
    if isinstance(v, bool) or v is None or isinstance(v, (float, str)):
        return v
    if isinstance(v, int):
        return v if abs(v) < 2**53 else {"$bigint": str(v)}
    if isinstance(v, (bytes, bytearray)):
        return {"$hex": v.hex()}
    if isinstance(v, datetime.datetime):
        return {"$date": v.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    if isinstance(v, decimal.Decimal):
        sign, digits, exponent = v.as_tuple()
        number = int("".join(map(str, digits)))
        return {"$decimal": [-exponent, -number if sign else number]}
    if isinstance(v, list):
        return [value(item) for item in v]
    return {k: value(item) for k, item in v.items()}


def camel(name):
    first, *rest = RENAMED.get(name, name).split("_")
    return first + "".join(word.title() for word in rest)


def fields_of(thing):
    fields = {}
    for name, v in thing:
        if type(thing).amqp_type(name) == "longstr":
            v = v.encode() if isinstance(v, str) else v
        fields[camel(name)] = value(v)
    return fields


def decode(octets):
    consumed, _, decoded = frame.unmarshal(octets)
    if consumed != len(octets):
        raise ValueError("not one frame")
    if isinstance(decoded, header.ProtocolHeader):
        version = (decoded.major_version, decoded.minor_version, decoded.revision)
        return {"version": list(version)}
    if isinstance(decoded, header.ContentHeader):
        properties = fields_of(decoded.properties)
        if properties["clusterId"] == "":  # as pamqp has it where there is none
            del properties["clusterId"]
        present = {k: v for k, v in properties.items() if v is not None}
        return {"bodySize": decoded.body_size, "properties": present}
    if isinstance(decoded, body.ContentBody):
        return {"body": value(decoded.value)}
    if isinstance(decoded, heartbeat.Heartbeat):
        return {}
    class_name, method_name = decoded.name.split(".")
    return {"method": f"{class_name}.{method_name}".lower(), "fields": fields_of(decoded)}


for line in sys.stdin:
    try:
        print(json.dumps(decode(bytes.fromhex(line))))
    except Exception as error:  # pylint: disable=broad-except
        print(json.dumps({"error": repr(error)}))
