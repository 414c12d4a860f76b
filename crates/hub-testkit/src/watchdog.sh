# Stops the test server in "$1" when no test process has held users.lock for some seconds. One of these at a time.
dir=$1
exec 9>>"$dir/watchdog.lock"
flock -n 9 || exit 0
exec 8>>"$dir/users.lock"
while :; do
  flock -x 8
  flock -u 8
  sleep 10
  if flock -n -x 8; then
    pid=$(head -n 1 "$dir/server/pg/postmaster.pid" 2>/dev/null)
    if [ -n "$pid" ] && grep -q postgres "/proc/$pid/cmdline" 2>/dev/null; then
      kill -INT "$pid"
      while kill -0 "$pid" 2>/dev/null && grep -q postgres "/proc/$pid/cmdline" 2>/dev/null; do sleep 0.05; done
    fi
    exit 0
  fi
done
