#!/bin/sh
# Makes librabbitmq speak, through Debian's amqp-tools. Started by ../capture.ts: amqp-tools.sh PORT
set -e
url="--url=amqp://guest:guest@127.0.0.1:$1"
amqp-declare-queue "$url" --queue=g.l --durable >/dev/null
amqp-publish "$url" --routing-key=g.l --persistent --content-type=text/plain \
  --content-encoding=identity \
  --reply-to=g.reply --header="first: one" --header="zweitens: größer" --body="hello"
amqp-publish "$url" --exchange=amq.fanout --routing-key=g.l --body=""
amqp-publish "$url" --routing-key=g.l --body="again"
amqp-consume "$url" --queue=g.l --count=1 --prefetch-count=7 cat >/dev/null
amqp-get "$url" --queue=g.l >/dev/null
amqp-get "$url" --queue=g.l >/dev/null || true
amqp-delete-queue "$url" --queue=g.l --if-empty >/dev/null
amqp-publish "$url" --exchange=g.missing --body="refused" 2>/dev/null || true
