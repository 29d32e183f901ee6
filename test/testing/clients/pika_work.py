"""pika's part of the work that every client does (work.ts): pika_work.py PORT QUEUE.

What it saw is printed, a line for each thing.
"""
import faulthandler
import sys

import pika
from pika import exceptions

faulthandler.dump_traceback_later(60, exit=True)  # rather than hang
PORT, QUEUE = int(sys.argv[1]), sys.argv[2]


def say(*words):
    print(*(str(word).replace(QUEUE, "q") for word in words), flush=True)


connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", PORT))
channel = connection.channel()
channel.queue_declare(QUEUE)
channel.confirm_delivery()
for i in range(100):
    channel.basic_publish("", QUEUE, str(i).encode(), mandatory=True)
try:
    channel.basic_publish("", QUEUE + "-missing", b"", mandatory=True)
except exceptions.UnroutableError as error:
    say("unroutable", len(error.messages))

channel.basic_qos(prefetch_count=10)
fresh = again = 0
for method, _, body in channel.consume(QUEUE):
    if method.redelivered:
        again += 1
    else:
        fresh += 1
    if method.delivery_tag == 1:
        channel.basic_nack(1, requeue=True)
    else:
        channel.basic_ack(method.delivery_tag)
    if fresh == 100 and again == 1:
        break
say(fresh, "fresh", again, "again", channel.cancel(), "given back")
declared = channel.queue_declare(QUEUE, passive=True).method
say("then", declared.message_count, declared.consumer_count)

channel.basic_publish("", QUEUE, b"first")
channel.basic_publish("", QUEUE, b"second")
method, _, body = channel.basic_get(QUEUE)
say(body, method.redelivered, method.message_count)
channel.basic_recover(requeue=True)
method, _, body = channel.basic_get(QUEUE)
say(body, method.redelivered, method.message_count)
channel.basic_reject(method.delivery_tag, requeue=False)
say(channel.basic_get(QUEUE, auto_ack=True)[2], channel.basic_get(QUEUE)[2])

transactional = connection.channel()
transactional.tx_select()
transactional.basic_publish("", QUEUE, b"rolled back")
transactional.tx_rollback()
transactional.basic_publish("", QUEUE, b"committed")
say(channel.basic_get(QUEUE)[2])
transactional.tx_commit()
say(channel.basic_get(QUEUE, auto_ack=True)[2])

for action in (
        lambda c: c.basic_ack(77) or c.queue_declare(QUEUE, passive=True),
        lambda c: c.basic_consume(QUEUE + "-missing", print),
        lambda c: c.confirm_delivery() or c.tx_select(),
        lambda c: c.tx_commit()):
    try:
        action(connection.channel())
    except exceptions.ChannelClosedByBroker as error:
        say(error.reply_code, error.reply_text)

cancelled = []
channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
channel.basic_consume(QUEUE, print, consumer_tag="consumer")
transactional.queue_delete(QUEUE)
while not cancelled:
    connection.process_data_events(time_limit=0.1)
say("cancelled", *cancelled)
connection.close()
