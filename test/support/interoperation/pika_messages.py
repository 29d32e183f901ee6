"""pika's part of the interoperation tests: pika_messages.py PORT QUEUE get|publish.

get takes every message and prints them as JSON, each property and header as its repr() and the body
in hexadecimal digits. publish puts one message for each of the cases below.
"""
import datetime
import decimal
import faulthandler
import json
import sys

import pika

faulthandler.dump_traceback_later(60, exit=True)  # rather than hang
PORT, QUEUE, ACTION = int(sys.argv[1]), sys.argv[2], sys.argv[3]

PROPERTIES = (
    "content_type content_encoding headers delivery_mode priority correlation_id reply_to "
    "expiration message_id timestamp type user_id app_id cluster_id").split()

EVERY_TYPE = {
    "text": "grüße 🐇",
    "emptyText": "",
    "octets": b"\x00\xff\xfe",
    "noOctets": b"",
    "yes": True,
    "no": False,
    "nothing": None,
    "int32": -2147483648,
    "above int32": 2147483648,
    "most": 9223372036854775807,
    "least": -9223372036854775808,
    "not safe": 9007199254740993,
    "decimal": decimal.Decimal("3.14159"),
    "negativeDecimal": decimal.Decimal("-0.5"),
    "time": datetime.datetime(2024, 2, 29, 12, 30, 45),
    "list": [1, "two", [True, None], {"three": 3}],
    "emptyList": [],
    "table": {"nested": {"deeper": "still"}, "empty": {}},
}

EVERY_PROPERTY = dict(
    content_type="text/plain", content_encoding="identity", headers={"answer": 42},
    delivery_mode=2, priority=9, correlation_id="correlation ✓", reply_to="a.reply",
    expiration="3600000", message_id="m" * 255, timestamp=1709209845, type="kind",
    user_id="guest", app_id="interoperation", cluster_id="cluster")

EMPTY = dict(
    content_type="", content_encoding="", headers={}, priority=0, correlation_id="", reply_to="",
    message_id="", timestamp=0, type="", app_id="", cluster_id="")

CASES = (
    ({}, b""),
    (EVERY_PROPERTY, "grüße".encode()),
    (EMPTY, bytes(range(256))),
    (dict(timestamp=2**64 - 1), b""),
    (dict(headers=EVERY_TYPE), bytes(i * 7 % 256 for i in range(300000))),
)


def shown(properties):
    present = {name: getattr(properties, name) for name in PROPERTIES}
    headers = present.pop("headers")
    result = {name: repr(value) for name, value in present.items() if value is not None}
    if headers is not None:
        result["headers"] = {name: repr(value) for name, value in headers.items()}
    return result


def get(channel):
    messages = []
    while True:
        method, properties, body = channel.basic_get(QUEUE, auto_ack=True)
        if method is None:
            break
        messages.append({"properties": shown(properties), "body": body.hex()})
    print(json.dumps(messages))


def publish(channel):
    channel.confirm_delivery()
    for properties, body in CASES:
        channel.basic_publish("", QUEUE, body, pika.BasicProperties(**properties), mandatory=True)


connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", PORT))
{"get": get, "publish": publish}[ACTION](connection.channel())
connection.close()
