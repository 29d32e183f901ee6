"""Makes pika (Debian's python3-pika) say everything it can.

Started by ../capture.ts: pika_client.py PORT

A line of JSON on standard output asks for a rabbitmqctl command and is answered by a line.
"""
import datetime
import faulthandler
import decimal
import json
import socket
import sys
import time

import pika
from pika import data, frame, spec
from pika.exceptions import AMQPError

faulthandler.dump_traceback_later(60, exit=True)  # rather than hang
PORT = int(sys.argv[1])


def ctl(*arguments):
    print(json.dumps(arguments), flush=True)
    sys.stdin.readline()


def connect(**options):
    defaults = dict(host="127.0.0.1", port=PORT, heartbeat=60, frame_max=4096, channel_max=64)
    defaults.update(options)
    return pika.BlockingConnection(pika.ConnectionParameters(**defaults))


EVERY_TYPE = {
    "text": "grüße",
    "empty": "",
    "octets": b"\x00\xff\xfe",
    "true": True,
    "false": False,
    "int": -2147483648,
    "long": 9007199254740993,
    "negative": -9007199254740993,
    "decimal": decimal.Decimal("3.14159"),
    "time": datetime.datetime(2024, 2, 29, 12, 30, 45),
    "nothing": None,
    "list": [1, "two", [True, None], {"three": 3}],
    "table": {"nested": {"deeper": "still"}, "empty": {}},
}

EVERY_PROPERTY = dict(
    content_type="text/plain",
    content_encoding="identity",
    headers={"answer": 42},
    delivery_mode=2,
    priority=9,
    correlation_id="correlation",
    reply_to="g.reply",
    expiration="60000",
    message_id="message",
    timestamp=1709209845,
    type="kind",
    user_id="guest",
    app_id="golden",
    cluster_id="cluster",
)


def main():
    topology()
    messages()
    modes()
    refusals()
    alarms()
    heartbeats()
    endings()
    raw()


def topology():
    connection = connect()
    channel = connection.channel()
    send = channel._impl._send_method  # pika's encoder, for bits that its methods leave out
    channel.exchange_declare("g.plain", "direct")
    channel.exchange_declare("g.plain", passive=True)
    channel.exchange_declare(
        "g.full", "topic", durable=True, auto_delete=True, internal=True,
        arguments={"alternate-exchange": "g.plain", **EVERY_TYPE})
    send(spec.Exchange.Declare(exchange="g.nowait", type="fanout", nowait=True))
    channel.exchange_declare("g.headers", "headers")
    channel.exchange_bind("g.headers", "g.full", "key.#")
    channel.exchange_bind("g.headers", "g.plain", "", arguments={"x-match": "all", "n": 1})
    channel.exchange_unbind("g.headers", "g.full", "key.#")
    channel.exchange_delete("g.full", if_unused=True)
    channel.exchange_delete("g.headers")
    send(spec.Exchange.Delete(exchange="g.nowait", nowait=True))

    channel.queue_declare("")
    channel.queue_declare("g.full", durable=True, exclusive=True, auto_delete=True,
                          arguments=EVERY_TYPE)
    channel.queue_declare("g.full", passive=True)
    send(spec.Queue.Declare(queue="g.nowait", nowait=True))
    channel.queue_bind("g.full", "g.plain", "schlüssel")
    channel.queue_bind("g.full", "amq.headers", "", arguments={"x-match": "any", "n": 2**40})
    send(spec.Queue.Bind(queue="g.full", exchange="g.plain", routing_key="k", nowait=True))
    channel.queue_unbind("g.full", "g.plain", "schlüssel")
    channel.queue_unbind("g.full", "amq.headers", "", arguments={"x-match": "any", "n": 2**40})
    channel.queue_purge("g.full")
    send(spec.Queue.Purge(queue="g.nowait", nowait=True))
    channel.queue_delete("g.full", if_unused=True, if_empty=True)
    send(spec.Queue.Delete(queue="g.nowait", if_unused=True, nowait=True))
    channel.exchange_delete("g.plain")
    channel.queue_delete("g.absent")
    channel.close()
    connection.channel(channel_number=64).close(404, "bye")
    connection.close()


def messages():
    connection = connect()
    channel = connection.channel()
    channel.queue_declare("g.queue")
    channel.basic_publish("", "g.queue", b"")
    channel.basic_publish("amq.fanout", "", b"nobody", pika.BasicProperties(delivery_mode=1))
    channel.basic_publish("", "g.queue", b"hello", pika.BasicProperties(**EVERY_PROPERTY))
    channel.basic_publish("", "g.queue", b"h", pika.BasicProperties(headers=EVERY_TYPE))
    channel.basic_publish("", "g.queue", b"h", pika.BasicProperties(headers={}))
    channel.basic_publish("", "g.queue", "grüße".encode())
    channel.basic_publish("", "g.queue", bytes(i % 256 for i in range(4088 + 12)))
    channel.basic_qos(prefetch_count=100)
    channel.basic_qos(prefetch_count=65535, global_qos=True)
    for _ in range(3):
        channel.basic_get("g.queue")
    channel.basic_get("g.queue", auto_ack=True)
    channel.basic_nack(0, multiple=True, requeue=True)
    channel.basic_get("g.queue")
    channel.basic_recover(requeue=True)
    channel._impl._send_method(spec.Basic.RecoverAsync(requeue=True))
    channel.flow(True)

    seen = []
    tag = channel.basic_consume(
        "g.queue", lambda *delivery: seen.append(delivery[1].delivery_tag),
        consumer_tag="g.consumer", exclusive=True, arguments={"x-priority": 5})
    while len(seen) < 5:
        connection.process_data_events(time_limit=1)
    channel.basic_ack(seen[0])
    channel.basic_nack(seen[1], requeue=False)
    channel.basic_reject(seen[2], requeue=False)
    channel.basic_reject(seen[3], requeue=True)
    channel.basic_ack(0, multiple=True)
    channel.basic_cancel(tag)
    channel.basic_consume("g.queue", lambda *_: None, consumer_tag="g.lossy", auto_ack=True)
    channel.queue_delete("g.queue")  # the broker cancels the consumer
    connection.process_data_events(time_limit=1)

    # RabbitMQ writes tables of its own into a message that it moves.
    channel.queue_declare("g.grave")
    channel.queue_declare("g.short", arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "g.grave", "x-message-ttl": 0})
    channel.basic_publish("", "g.short", b"", pika.BasicProperties(headers=EVERY_TYPE))
    time.sleep(0.5)
    channel.basic_get("g.grave", auto_ack=True)
    channel.basic_get("g.grave")
    for name in ("g.grave", "g.short"):
        channel.queue_delete(name)
    connection.close()


def modes():
    connection = connect()
    confirming = connection.channel()
    confirming.queue_declare("g.one", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    confirming.confirm_delivery()
    confirming.basic_publish("", "g.one", b"stays", mandatory=True)
    for mandatory, key in ((False, "g.one"), (True, "g.missing")):
        try:
            confirming.basic_publish("", key, b"hello", pika.BasicProperties(
                content_type="text/plain", headers={"n": 1}), mandatory=mandatory)
        except AMQPError:
            pass
    burst = connection.channel()
    burst._impl._send_method(spec.Confirm.Select(nowait=True))
    burst.queue_declare("g.burst", durable=True)  # whose confirms come together
    for _ in range(10):
        for _ in range(50):
            burst._impl.basic_publish("", "g.burst", b"", pika.BasicProperties(delivery_mode=2))
        connection.process_data_events(time_limit=0.1)
    burst.queue_delete("g.burst")
    confirming.queue_delete("g.one")

    transactional = connection.channel()
    transactional.tx_select()
    transactional.basic_publish("", "g.none", b"never")
    transactional.tx_rollback()
    transactional.tx_commit()
    connection.close()


def refusals():
    connection = connect()

    def attempt(action):
        channel = connection.channel()
        try:
            action(channel)
            connection.process_data_events(time_limit=0.3)
        except AMQPError:
            pass

    attempt(lambda c: c.queue_declare("g.missing", passive=True))
    attempt(lambda c: c.exchange_declare("amq.direct", "fanout"))
    attempt(lambda c: c.basic_publish("g.missing", "key", b"x"))
    attempt(lambda c: c.basic_ack(77))
    attempt(lambda c: c.exchange_delete("amq.direct"))
    attempt(lambda c: c.tx_commit())
    end(connection)

    connection = connect()
    connection.channel()._impl._send_method(
        spec.Basic.Publish(exchange="", routing_key="g.none", mandatory=True, immediate=True),
        (pika.BasicProperties(), b""))
    end(connection)
    connection = connect()
    connection.channel()
    connection._impl._send_frame(frame.Body(1, b"no method before it"))
    end(connection)
    connection = connect()
    connection._impl._send_frame(frame.Method(9, spec.Tx.Select()))
    end(connection)
    for options in (
            dict(virtual_host="g.missing"),
            dict(credentials=pika.PlainCredentials("guest", "wrong"))):
        try:
            connect(**options)
        except AMQPError:
            pass


def end(connection):
    try:
        connection.process_data_events(time_limit=1)
        connection.close()
    except AMQPError:
        pass


def alarms():
    connection = connect()
    channel = connection.channel()
    told = []
    connection.add_on_connection_blocked_callback(lambda *_: told.append("blocked"))
    connection.add_on_connection_unblocked_callback(lambda *_: told.append("unblocked"))
    ctl("set_vm_memory_high_watermark", "0")
    channel._impl.basic_publish("amq.fanout", "", b"", pika.BasicProperties())
    while len(told) < 1:
        connection.process_data_events(time_limit=0.2)
    ctl("set_vm_memory_high_watermark", "0.4")
    while len(told) < 2:
        connection.process_data_events(time_limit=0.2)
    connection.close()


def heartbeats():
    connection = connect(heartbeat=1)
    connection.process_data_events(time_limit=3)
    connection.close()


def endings():
    connection = connect()
    ctl("close_all_connections", "the operator says so")
    end(connection)


def raw():
    """Speaks over a plain socket, in frames that pika made."""
    def conversation(first, *methods):
        with socket.create_connection(("127.0.0.1", PORT)) as connection:
            connection.settimeout(5)
            connection.sendall(first)
            for method in methods:
                if not isinstance(method, spec.Connection.Open):  # follows tune-ok at once
                    connection.recv(65536)
                connection.sendall(frame.Method(0, method).marshal())
            connection.recv(65536)

    conversation(b"AMQP\x00\x00\x09\x00")
    conversation(b"GET / HTTP/1.1\r\n\r\n")
    pieces = []
    data.encode_table(pieces, {"LOGIN": "guest", "PASSWORD": "guest"})
    properties = {"capabilities": {"authentication_failure_close": True}}
    header = frame.ProtocolHeader().marshal()
    conversation(
        header,
        spec.Connection.StartOk(properties, "AMQPLAIN", b"".join(pieces)[4:], "en_US"),
        spec.Connection.TuneOk(2047, 131072, 0),
        spec.Connection.Open("/"),
        spec.Connection.Close(541, "ciao", 60, 40))
    conversation(
        header,
        spec.Connection.StartOk({}, "RABBIT-CR-DEMO", "guest", "en_US"),
        spec.Connection.SecureOk("My password is guest"),
        spec.Connection.TuneOk(1, 4096, 65535),
        spec.Connection.Open("/"),
        spec.Connection.Close(200, "", 0, 0))


main()
