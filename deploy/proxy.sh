#!/bin/sh
# Puts the settings of deploy/kobai.env, which the environment holds, into nginx.conf.
#   sh proxy.sh FOLDER < nginx.conf          starts nginx; FOLDER takes all that it writes
#   sh proxy.sh FOLDER reload < nginx.conf   puts an edited file in force; no request is lost
set -eu
folder=$1

# Between the longest deadline and the end of a worker, in seconds.
too_late=$(((KOBAI_DEADLINE_MS + 1000 * KOBAI_WORKER_TIMEOUT_S + 1999) / 2000))

# at_least NUMBER: a regular expression of the whole numbers from NUMBER on
at_least() {
    number=$1 rest="" pattern="$1|[0-9]{$((${#1} + 1)),}"
    while [ -n "$number" ]; do
        digit=${number#"${number%?}"} number=${number%?}
        [ "$digit" = 9 ] || pattern="$pattern|$number[$((digit + 1))-9]$rest"
        rest="${rest}[0-9]"
    done
    echo "$pattern"
}

# As the service writes numbers: a comma before each three digits.
readable=$(echo "$KOBAI_BODY_BYTES" | sed -e :more -e 's/\(.*[0-9]\)\([0-9]\{3\}\)/\1,\2/' -e "t more")

new=$folder/nginx.conf.new
sed -e "s#@FOLDER@#$folder#g" \
    -e "s#@BODY_BYTES@#$KOBAI_BODY_BYTES#g" \
    -e "s#@READABLE_BODY_BYTES@#$readable#g" \
    -e "s#@BODY_TIMEOUT_S@#$KOBAI_BODY_TIMEOUT_S#g" \
    -e "s#@SEND_TIMEOUT_S@#$KOBAI_SEND_TIMEOUT_S#g" \
    -e "s#@PROXY_TIMEOUT_S@#$KOBAI_PROXY_TIMEOUT_S#g" \
    -e "s#@KEEPALIVE_S@#$((KOBAI_KEEPALIVE_S * 4 / 5))#g" \
    -e "s#@SHUTDOWN_S@#$((KOBAI_GRACEFUL_TIMEOUT_S + 2))#g" \
    -e "s#@TOO_LATE_S@#$too_late#g" \
    -e "s#@TOO_LATE@#$(at_least "$too_late")#g" >"$new"
if [ "${2:-start}" = reload ]; then
    nginx -e stderr -t -q -c "$new"
    mv "$new" "$folder/nginx.conf"
    exec nginx -e stderr -c "$folder/nginx.conf" -s reload
fi
mv "$new" "$folder/nginx.conf" # without a test, which would listen for a moment and reset who comes then
exec nginx -e stderr -c "$folder/nginx.conf" -g "daemon off;"
