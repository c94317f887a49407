#!/bin/sh
# Beam's runners give flags alone (--id=1 …, --worker_pool); Kubeflow gives a whole command.
case "$1" in
  -*) exec /opt/apache/beam/boot "$@" ;;
  *) exec "$@" ;;
esac
